from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import BookGroup, Cancel
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.offer import OfferState, Pool
from booking_service.domain.questions import Question, QuestionKind
from booking_service.domain.seating import SeatRow, Section
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
    later = make.NOW + timedelta(days=90)
    offer = make.offer(start_time=later, end_time=later + timedelta(hours=3))
    booking = make.decide(group(make, complimentary=False), make.stock(offer)).answer
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


def test_an_unknown_type_is_refused(make):
    with pytest.raises(NotFound):
        make.decide(group(make, wanted=[Wanted(f"{make.EVENT}/ticketTypes/none", 1)]), make.stock())


def in_hall(make, quantity, *rows, **wanted):
    """The lines of a group for a hall with rows of so many seats; the first seat of each row is accessible."""
    plan = tuple(SeatRow("ABCDEF"[at], tuple(map(str, range(1, row + 1))), ("1",)) for at, row in enumerate(rows))
    seated = make.offer(make.type(sections=("stalls",)), sections=(Section("stalls", "Stalls", plan),))
    wanted = [Wanted(f"{make.EVENT}/ticketTypes/standard", quantity, **wanted)]
    outcome = make.decide(group(make, wanted=wanted), make.stock(seated))
    rows = {}
    for seat in outcome.answer.lines[0].seats:
        _, row, label = seat.split("/")
        rows.setdefault(row, []).append(int(label))
    assert [ticket.seat for ticket in outcome.answer.tickets] == list(outcome.answer.lines[0].seats)
    assert outcome.stock.inventory.seats == {"stalls": quantity}
    return rows


def test_a_group_sits_side_by_side_and_else_in_as_few_parts_as_can_be(make):
    assert in_hall(make, 5, 5, 8) == {"B": [4, 5, 6, 7, 8]}
    assert in_hall(make, 9, 4, 7, 5) == {"B": [2, 3, 4, 5, 6, 7], "C": [3, 4, 5]}
    assert in_hall(make, 2, 3, 4) == {"B": [3, 4]}, "in front the first seat would be left alone"


def test_accessible_seats_are_kept_for_who_asks_and_given_to_a_group_when_nothing_else_is_left(make):
    assert in_hall(make, 3, 4) == {"A": [2, 3, 4]}
    assert in_hall(make, 4, 4) == {"A": [1, 2, 3, 4]}
    assert in_hall(make, 2, 4, accessible_seats=1) == {"A": [1, 2]}


def test_a_group_has_the_seats_that_it_names_even_if_one_is_left_alone(make):
    assert in_hall(make, 2, 6, seats=("stalls/A/2", "stalls/A/4")) == {"A": [2, 4]}


def test_seats_that_cannot_be_had_refuse_the_group_as_a_whole(make):
    for quantity, seats, reason, told in [
        (5, (), "SOLD_OUT", {"ticket_type": f"{make.EVENT}/ticketTypes/standard", "remaining": "4"}),
        (1, ("stalls/B/1",), "SEAT_UNKNOWN", None),
    ]:
        with pytest.raises(FailedPrecondition, match=reason) as refused:
            in_hall(make, quantity, 4, seats=seats)
        assert told in (None, refused.value.metadata)
