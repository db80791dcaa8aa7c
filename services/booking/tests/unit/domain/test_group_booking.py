from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import BookGroup, Cancel
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.offer import OfferState, Pool
from booking_service.domain.questions import Question, QuestionKind
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound

MONTH = timedelta(days=30)
PRESS = Contact("The Press", "press@example.org")


def group(make, quantity=20, *, complimentary=True, **changes):
    command = BookGroup(
        make.EVENT, f"{make.EVENT}/bookings/{new_id()}", "users/ada", NOBODY,
        [Wanted(f"{make.EVENT}/ticketTypes/standard", quantity)], make.Issuer(), "press", complimentary, MONTH,
    )  # fmt: skip
    return replace(command, **changes)


def test_a_complimentary_group_is_confirmed_at_once_for_nothing_and_says_why(make):
    outcome = make.decide(group(make, buyer="", contact=PRESS), make.stock())
    booking = outcome.answer
    assert [step.happened for step in outcome.steps] == [
        facts.BookingHeld("press"), facts.BookingConfirmed(reason="press"),
    ]  # fmt: skip
    assert (booking.state, booking.total, len(booking.tickets)) == (BookingState.CONFIRMED, Money(0, "EUR"), 20)
    assert (booking.buyer, booking.contact) == ("", PRESS)
    assert outcome.stock.inventory.taken == {"hall": 20}
    off = make.decide(Cancel(make.EVENT, booking.name, ""), outcome.stock, replace(booking, version=2))
    assert off.stock.inventory.taken == {}


def test_an_invoice_holds_the_places_at_the_present_price_for_as_long_as_it_says(make):
    booking = make.decide(group(make, complimentary=False), make.stock()).answer
    assert (booking.state, booking.total) == (BookingState.HELD, Money(50_000, "EUR"))
    assert booking.hold_expire_time == make.NOW + MONTH
    assert booking.tickets == ()


def test_limits_windows_and_missing_answers_do_not_bind_the_organizer(make):
    kind = make.type(most=2, most_per_person=2, approval_required=True, sale_start=make.NOW + timedelta(days=1))
    offer = make.offer(
        kind, terms=BookingTerms(most_per_person=2), questions=(Question("q", "?", QuestionKind.TEXT, required=True),)
    )
    for complimentary in (True, False):
        booking = make.decide(group(make, complimentary=complimentary), make.stock(offer)).answer
        assert booking.lines[0].quantity == 20
        assert not booking.counted


def test_capacity_binds_everybody_and_only_the_pool_says_how_far_it_is_overbooked(make):
    """INVARIANT: a group is never beyond capacity."""
    assert make.decide(group(make), make.stock(hall=30)).answer
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        make.decide(group(make), make.stock(hall=31))
    overbooked = replace(make.offer(), pools={"hall": Pool(50, overbooking=1)})
    assert make.decide(group(make), make.stock(overbooked, hall=31)).answer


@pytest.mark.parametrize(
    ("state", "reason"),
    [(OfferState.CANCELLED, "EVENT_CANCELLED"), (OfferState.DRAFT, "EVENT_NOT_ON_SALE")],
)
def test_only_a_published_event_that_is_not_over_is_booked(make, state, reason):
    with pytest.raises(FailedPrecondition, match=reason):
        make.decide(group(make), make.stock(make.offer(state=state)))
    offer = make.offer()
    assert make.decide(group(make), make.stock(), now=offer.end_time - timedelta(seconds=1)).answer
    with pytest.raises(FailedPrecondition, match="SALE_ENDED"):
        make.decide(group(make), make.stock(), now=offer.end_time)


def test_an_unknown_type_and_one_with_seats_are_refused(make):
    with pytest.raises(NotFound):
        make.decide(group(make, wanted=[Wanted(f"{make.EVENT}/ticketTypes/none", 1)]), make.stock())
    seated = make.offer(make.type(sections=("stalls",)))
    with pytest.raises(FailedPrecondition, match="SEATS_REQUIRED"):
        make.decide(group(make), make.stock(seated))
