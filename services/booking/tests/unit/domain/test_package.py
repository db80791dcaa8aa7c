"""What goes into one booking together."""

from datetime import timedelta

import pytest

from booking_service.domain.availability import availability_of
from booking_service.domain.commands import Hold
from booking_service.domain.offer import EventDate
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import BookingTerms
from domain_kit.refusals import FailedPrecondition, NotFound

DATES = ("events/01jz000000000000000000evnt/dates/one", "events/01jz000000000000000000evnt/dates/two")


def name(make, kind):
    return f"{make.EVENT}/ticketTypes/{kind}"


def refusal_of(call):
    with pytest.raises((FailedPrecondition, NotFound)) as refused:
        call()
    return refused.value


def workshop(make, *to, **changes):
    return make.type(
        "workshop", add_on=True, add_on_to=tuple(name(make, each) for each in to), one_each=True, **changes
    )


def test_all_tickets_together_are_limited_by_the_event_and_bundles_count_by_their_content(make):
    kinds = make.type(), make.type("vip"), make.type("family", bundle={name(make, "standard"): 3})
    stock = make.stock(make.offer(*kinds, terms=BookingTerms(most_per_booking=4)))
    assert make.decide(make.hold(standard=3, vip=1), stock).answer
    assert make.decide(make.hold(family=1, vip=1), stock).answer
    for wanted in ({"standard": 3, "vip": 2}, {"family": 1, "vip": 2}):
        refused = refusal_of(lambda wanted=wanted: make.decide(make.hold(**wanted), stock))
        assert (refused.reason, refused.metadata) == ("TOO_MANY_IN_BOOKING", {"max_per_booking": "4"})


def test_the_limits_of_a_type_hold_over_all_its_dates(make):
    at = make.NOW + timedelta(days=5)
    dates = tuple(EventDate(each, each, at, at + timedelta(hours=1)) for each in DATES)
    stock = make.stock(make.offer(make.type(most=3, least=2), dates=dates))

    def hold(*quantities):
        wanted = [Wanted(name(make, "standard"), n, date) for n, date in zip(quantities, DATES, strict=False)]
        return make.decide(Hold(make.EVENT, "b", "users/ada", wanted, timedelta(minutes=5)), stock)

    assert hold(2, 1).answer
    assert refusal_of(lambda: hold(2, 2)).metadata == {"ticket_type": name(make, "standard"), "max_per_booking": "3"}
    assert refusal_of(lambda: hold(1)).reason == "TOO_FEW_IN_BOOKING"


def test_an_add_on_needs_an_admission_that_it_belongs_to(make):
    kinds = make.type(), make.type("vip"), make.type("parking", add_on=True), workshop(make, "vip")
    stock = make.stock(make.offer(*kinds))
    for wanted, short in [
        ({"workshop": 1}, "workshop"),
        ({"workshop": 1, "standard": 1}, "workshop"),
        ({"workshop": 1, "parking": 1}, "workshop"),
        ({"parking": 1}, "parking"),
    ]:
        refused = refusal_of(lambda wanted=wanted: make.decide(make.hold(**wanted), stock))
        assert (refused.reason, refused.metadata) == ("ADD_ON_NEEDS_TICKET", {"ticket_type": name(make, short)})
    assert make.decide(make.hold(workshop=2, vip=2, parking=5), stock).answer


def test_there_is_one_add_on_a_ticket_unless_its_own_maximum_says_more(make):
    kinds = make.type(), make.type("vip"), workshop(make, "vip"), make.type("drink", add_on=True, most=6)
    stock = make.stock(make.offer(*kinds))
    refused = refusal_of(lambda: make.decide(make.hold(workshop=2, vip=1, standard=3), stock))
    assert refused.reason == "TOO_MANY_IN_BOOKING"
    assert refused.metadata == {"ticket_type": name(make, "workshop"), "max_per_booking": "1"}
    assert make.decide(make.hold(drink=6, standard=1), stock).answer
    assert refusal_of(lambda: make.decide(make.hold(drink=7, standard=1), stock)).reason == "TOO_MANY_IN_BOOKING"


def test_an_add_on_may_belong_to_what_a_bundle_consists_of(make):
    kinds = make.type(), make.type("family", bundle={name(make, "standard"): 3}), workshop(make, "standard")
    stock = make.stock(make.offer(*kinds))
    assert make.decide(make.hold(family=1, workshop=3), stock).answer
    assert refusal_of(lambda: make.decide(make.hold(family=1, workshop=4), stock)).reason == "TOO_MANY_IN_BOOKING"


def test_a_bundle_of_something_that_is_not_sold_is_refused_by_its_own_name(make):
    stock = make.stock(make.offer(make.type("family", bundle={name(make, "gone"): 2})))
    refused = refusal_of(lambda: make.decide(make.hold(family=1), stock))
    assert (refused.reason, refused.metadata) == ("BUNDLE_INCOMPLETE", {"ticket_type": name(make, "family")})
    assert not availability_of(stock.offer, stock.inventory, make.NOW).bookable


def test_a_past_event_is_not_sold(make):
    past = make.offer(make.type(sale_end=make.NOW + timedelta(days=99)), end_time=make.NOW, start_time=make.NOW)
    assert refusal_of(lambda: make.decide(make.hold(), make.stock(past))).reason == "SALE_ENDED"


def test_a_bundle_does_not_get_around_the_limit_for_one_person(make):
    kinds = make.type(most_per_person=3), make.type("family", bundle={name(make, "standard"): 2}, most_per_person=2)
    stock = make.stock(make.offer(*kinds, terms=BookingTerms(most_per_person=3)))
    first = make.decide(make.hold(family=1), stock)
    (person,) = first.tallies
    assert make.decide(make.hold(standard=1), first.stock, person).answer
    for wanted in ({"family": 1}, {"standard": 2}):
        refused = refusal_of(lambda wanted=wanted: make.decide(make.hold(**wanted), first.stock, person))
        assert refused.reason == "TOO_MANY_FOR_PERSON"
