"""A message is put together from what bookings have in common and what this one has beside it."""

from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime

import pytest

from booking_service.domain.booking import Booking, Line, PendingChange, PriceChange, Ticket
from booking_service.domain.contacts import Contact
from booking_service.domain.questions import Answer, Attendee
from booking_service.wire import booking_to_wire
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money

TIME = datetime(2027, 1, 1, tzinfo=UTC)
RARE = {
    "payment": "payments/p",
    "tickets": (Ticket("events/e/bookings/b/tickets/t", "events/e/ticketTypes/t", "T", "code"),),
    "confirm_time": TIME,
    "cancel_time": TIME,
    "cancel_reason": "ill",
    "voucher_codes": ("HALF",),
    "answers": (Answer("events/e/questions/q", "yes"),),
    "entry": "events/e/waitingListEntries/w",
    "paid": 1,
    "contact": Contact("Ada", "ada@example.org"),
    "extra_payments": ("payments/q",),
    "refunded": 1,
    "retained": 1,
    "pending": PendingChange((), (), (), 1),
    "price_change": PriceChange(TIME, 1, 0, 1),
    "exchange_rate": ExchangeRate("EUR", "EUR", "1", TIME, "by hand"),
}
TOLD_ANYWAY = {"hold_expire_time", "history", "version", "transferred"}  # the last with each ticket
NOT_TOLD = {"unclaimed", "counted", "discounts", "trail", "not_refundable"}


def test_all_fields_that_a_booking_need_not_have_are_known_here():
    assert {each.name for each in fields(Booking) if each.default is not MISSING} == {
        *RARE, *TOLD_ANYWAY, *NOT_TOLD,
    }  # fmt: skip


@pytest.mark.parametrize("field", RARE)
def test_each_of_them_is_told_by_itself(make, field):
    _, held = make.held()
    assert booking_to_wire(replace(held, **{field: RARE[field]})) != booking_to_wire(held)


def test_bookings_with_one_order_have_one_price_and_nothing_else_in_common(make):
    """INVARIANT: a message that is worked on by who got it changes no other."""
    _, held = make.held()
    other = replace(held, name="events/e/bookings/other", buyer="users/other")
    message = booking_to_wire(held)
    message.lines[0].display_name = "changed"
    message.total.units += 1
    told = booking_to_wire(other)
    assert (told.name, told.buyer) == (other.name, other.buyer)
    assert (told.lines, told.total) == (booking_to_wire(held).lines, booking_to_wire(held).total)
    assert told.lines[0].display_name == held.lines[0].display_name


def test_the_same_order_for_other_people_is_another_message(make):
    _, held = make.held()
    (line,) = held.lines
    named = replace(held, lines=(replace(line, attendees=(Attendee("Ada"),)),))
    dearer = replace(held, lines=(Line(line.ticket_type, 1, "T", Money(700, "EUR"), line.pools),))
    assert [each.display_name for each in booking_to_wire(named).lines[0].attendees] == ["Ada"]
    assert booking_to_wire(dearer).lines[0].unit_price.units == 7
    assert not booking_to_wire(held).lines[0].attendees
