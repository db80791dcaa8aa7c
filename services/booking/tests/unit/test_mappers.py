"""Every mapper loses nothing, whatever the values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_service.check_in_wire import check_in_list_to_wire, rules_from_wire
from booking_service.domain import domain_events as facts
from booking_service.domain.availability import Announcement, Availability, SaleState, TypeAvailability
from booking_service.domain.booking import GONE, Booking, Line, PendingChange, Ticket, plain
from booking_service.domain.check_in_list import CheckInList, ListRules, TimeWindow
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Condition
from booking_service.domain.pricing.breakdown import Reduction, ReductionKind, TaxPart, UnitPrice, UnitRun
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.pricing.inputs import Discount, RefundStep, ServiceFee
from booking_service.domain.questions import Attendee
from booking_service.domain.scans import Direction, Scan
from booking_service.domain.states import BookingState, TicketState
from booking_service.inbound.messages import conditions_from_filter
from booking_service.inbound.offers import offer_from_wire
from booking_service.outbound import announcements, documents
from booking_service.outbound.domain_events import BUILDERS, encode
from booking_service.wire import (
    _MOST_TOLD,
    _told,
    availability_to_wire,
    booking_in_event,
    booking_to_wire,
    ticket_of,
)
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from mongo_store import as_stored
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from testkit.any_value import MONEY, TEXT, TIME
from testkit.any_value import any_of as any_value_of
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as pb
from usher.event.v1 import domain_events_pb2, event_pb2, ticket_type_pb2

ID = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
MAYBE = st.none() | TIME
SMALL = st.integers(0, 10_000)
BUILT = {
    Discount: st.builds(
        Discount, TEXT, TEXT, st.frozensets(TEXT, max_size=2), st.integers(1, 9), st.frozensets(TEXT, max_size=2),
        st.integers(1, 9), SMALL, MAYBE, MAYBE,
    ),
    ServiceFee: st.builds(ServiceFee, st.none() | MONEY, SMALL),
    RefundStep: st.builds(RefundStep, st.integers(0, 10**7).map(lambda s: timedelta(seconds=s)), SMALL),
    UnitAt: st.builds(UnitAt, SMALL, SMALL),
    int: st.integers(0, 999),  # numbers of tickets among them, each of which a message tells by itself
}  # fmt: skip
any_of = partial(any_value_of, known=BUILT)
SHAPES = [pytest.param(kind, id=kind.collection) for kind in documents.KINDS]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_record_comes_back_from_its_document_and_from_an_answer(kind):
    @settings(max_examples=50, deadline=None)
    @given(any_of(kind.record))
    def comes_back(record):
        document = as_stored(kind.to_document(record))
        assert document["_id"] == record.name
        whole = as_stored(replace(kind, sparse=False).to_document(record))  # as earlier releases stored it
        assert kind.from_document(document) == kind.from_document(whole) == record
        assert document == {name: value for name, value in whole.items() if name in document}
        assert documents.answer_from_document(as_stored(documents.answer_to_document(record))) == record

    comes_back()


@settings(max_examples=50, deadline=None)
@given(any_of(Offer))
def test_an_offer_comes_back_from_its_document(offer):
    assert documents.offer_from_document(as_stored(documents.offer_to_document(offer))) == offer


@given(any_of(Inventory))
def test_an_inventory_comes_back_from_its_document(inventory):
    document = documents.inventory_to_document(inventory, 3, datetime(2027, 1, 1, tzinfo=UTC))
    assert documents.inventory_from_document(as_stored(document)) == inventory


@given(any_of(tuple[TypeAvailability, ...]), st.integers(1, 99), st.integers(1, 99), MAYBE)
def test_an_announcement_comes_back_from_its_document(types, version, stock_version, due):
    told = Announcement(Availability("events/x", tuple(types)), version, stock_version, due)
    assert announcements.announcement_from_document(as_stored(announcements.announcement_to_document(told))) == told


@settings(max_examples=50, deadline=None)
@given(any_of(Booking))
def test_a_booking_message_says_every_field(booking):
    currency = booking.total.currency
    lines = tuple(
        replace(
            line, runs=(), quantity=line.quantity % 100, unit_price=Money(line.quantity % 10**9, currency),
            accessible_seats=line.accessible_seats % 100,
        )
        for line in booking.lines
    )  # fmt: skip
    pending = booking.pending and replace(booking.pending, added=())
    owes = booking.state in (
        BookingState.HELD, BookingState.PENDING_APPROVAL, BookingState.CONFIRMED, BookingState.CHECKED_IN,
    )  # fmt: skip
    due = pending.due if pending else 7 if owes else 0
    booking = replace(
        booking, total=Money(booking.paid + 7 - booking.retained, currency), lines=lines, tickets=(), pending=pending
    )
    message = booking_to_wire(booking)
    same = {"name", "event", "organizer", "buyer", "payment", "cancel_reason"}
    times = {"hold_expire_time", "create_time", "update_time", "confirm_time", "cancel_time"}
    assert {name: getattr(message, name) for name in same} == {name: getattr(booking, name) for name in same}
    assert {name: time_from_wire(getattr(message, name)) for name in times} == {
        name: getattr(booking, name) for name in times
    }
    assert booking_pb2.BookingState.Name(message.state) == f"BOOKING_STATE_{booking.state.name}"
    assert money_from_wire(message.total) == booking.total
    assert message.etag == etag_of(booking.version)
    assert tuple(message.voucher_codes) == booking.voucher_codes
    assert message.waiting_list_entry == booking.entry
    assert [(each.question, each.text) for each in message.answers] == [
        (each.question, each.text) for each in booking.answers
    ]
    assert (message.contact.display_name, message.contact.email) == (
        booking.contact.display_name, booking.contact.email,
    )  # fmt: skip
    assert list(booking_to_wire(booking, ["a", "b"]).missing_answers) == ["a", "b"]
    assert [minor(message.amount_paid), minor(message.amount_due)] == [booking.paid, due]
    assert [minor(message.refund_due), minor(message.amount_retained)] == [booking.refunded, booking.retained]
    assert tuple(message.extra_payments) == booking.extra_payments
    assert message.HasField("pending_change") == (pending is not None)
    if pending:
        assert tuple(message.pending_change.removed_tickets) == pending.remove
        assert minor(message.pending_change.amount_due) == pending.due
    assert message.currency_code == currency
    assert message.HasField("exchange") == (booking.exchange_rate is not None)
    if rate := booking.exchange_rate:
        told = message.exchange
        assert (told.base_currency_code, told.currency_code, told.rate, told.rate_source) == (
            rate.base, rate.currency, rate.rate, rate.source,
        )  # fmt: skip
        assert time_from_wire(told.rate_time) == rate.rate_time
    assert message.HasField("last_price_change") == (booking.price_change is not None)
    if change := booking.price_change:
        told = message.last_price_change
        assert time_from_wire(told.change_time) == change.time
        assert amounts(told, "price_difference", "refund_due", "amount_due") == [
            change.difference, change.refund, change.due,
        ]  # fmt: skip
    assert [each.action for each in message.history] == [each.action for each in booking.history]
    assert [time_from_wire(each.change_time) for each in message.history] == [each.time for each in booking.history]
    prices = same | times | {"discount_total", "fee_total", "taxes"}  # these: the next test
    mapped = prices | {
        "state", "total", "etag", "lines", "tickets", "voucher_codes", "waiting_list_entry", "answers", "amount_paid",
        "amount_due", "history", "contact", "missing_answers", "extra_payments", "refund_due", "amount_retained",
        "pending_change", "last_price_change", "currency_code", "exchange",
    }  # fmt: skip
    assert mapped == {field.name for field in booking_pb2.Booking.DESCRIPTOR.fields}


def test_a_booking_message_says_what_it_costs_and_why():
    half = Reduction(ReductionKind.DISCOUNT, "events/e/discounts/d", "Half", Money(250, "EUR"))
    tax = TaxPart("VAT", 190_000, Money(43, "EUR"))
    cheap = UnitPrice(Money(500, "EUR"), "Early", (half,), Money(20, "EUR"), (tax,))
    dear = plain(Money(500, "EUR"))
    added = Line("t", 2, "T", Money(500, "EUR"), ("p",))
    change = PendingChange((), (added,), (), 1000)
    waiting = booking_to_wire(booking_with(state=BookingState.CONFIRMED, pending=change)).pending_change
    assert amounts(waiting.added_lines[0], "total") == [1000]
    line = Line(
        "events/e/ticketTypes/t", 3, "T", Money(500, "EUR"), ("p",), date="d",
        runs=(UnitRun(2, dear), UnitRun(1, cheap)), seats=("a/b/1", "a/b/2", "a/b/3"),
        attendees=(Attendee("Ada", "ada@example.org"),), tax_class="reduced", vouchers=("spring",),
        accessible_seats=2, resale_offer="events/e/resaleOffers/r",
    )  # fmt: skip
    ticket = Ticket("events/e/bookings/b/tickets/t", "t", "T", "code", unit=UnitAt(0, 2), date="d", seat="a/b/3")
    message = booking_to_wire(booking_with(lines=(line,), total=line.total, tickets=(ticket,)))
    said = json_format.MessageToDict(message.lines[0], preserving_proto_field_name=True)
    units = message.lines[0].units
    assert [amounts(each, "list_price", "discount", "fee", "price") for each in units] == [
        [500, 0, 0, 500], [500, 0, 0, 500], [500, 250, 20, 270],
    ]  # fmt: skip
    assert [each.phase for each in units] == ["", "", "Early"]
    assert [each.source for each in units[2].reductions] == ["events/e/discounts/d"]
    assert amounts(message.lines[0], "subtotal", "discount", "fee", "tax", "total") == [1500, 250, 20, 43, 1270]
    assert amounts(message, "total", "discount_total", "fee_total") == [1270, 250, 20]
    assert [(each.display_name, each.rate_millionths) for each in message.taxes] == [("VAT", 190_000)]
    assert amounts(message.tickets[0], "price") == [270]
    assert (said["date"], said["seats"], said["tax_class"]) == ("d", list(line.seats), "reduced")
    assert said["vouchers"] == ["events/e/vouchers/spring"]
    assert said["accessible_seats"] == 2
    assert said["resale_offer"] == "events/e/resaleOffers/r"
    assert said["attendees"] == [{"display_name": "Ada", "email": "ada@example.org"}]
    assert set(said) | {"ticket_type", "base_total"} == {
        field.name for field in booking_pb2.BookingLine.DESCRIPTOR.fields
    }


def amounts(message, *names):
    return [minor(getattr(message, name)) for name in names]


def minor(money):
    """Minor units; nothing where it is not set."""
    return money_from_wire(money).minor_units if money.currency_code else 0


@settings(max_examples=50, deadline=None)
@given(any_of(Ticket))
def test_a_ticket_says_every_field(ticket):
    message = ticket_of(booking_with(), ticket)
    same = {"name", "ticket_type", "display_name", "code", "date", "seat", "resale_offer"}
    assert {name: getattr(message, name) for name in same} == {name: getattr(ticket, name) for name in same}
    assert time_from_wire(message.check_in_time) == ticket.check_in_time
    assert time_from_wire(message.check_out_time) == ticket.check_out_time
    assert booking_pb2.TicketState.Name(message.state) == f"TICKET_STATE_{ticket.state.name}"
    assert message.attendee.email == ticket.attendee.email
    passed_on = replace(booking_with(), transferred=(ticket.name,))
    assert (message.transferred, ticket_of(passed_on, ticket).transferred) == (False, True)
    mapped = same | {"check_in_time", "check_out_time", "state", "attendee", "price", "transferred"}
    assert mapped == {field.name for field in booking_pb2.Ticket.DESCRIPTOR.fields}


def booking_with(**changes):
    at = datetime(2027, 1, 1, tzinfo=UTC)
    return Booking(
        **{
            "name": "events/e/bookings/b", "event": "events/e", "organizer": "o", "buyer": "u",
            "state": BookingState.HELD, "lines": (), "total": Money(0, "EUR"), "create_time": at, "update_time": at,
        }
        | changes
    )  # fmt: skip


def test_unsaid_limits_mean_one_to_ten():
    kind = ticket_type_pb2.TicketType(name="events/x/ticketTypes/a", price=money_to_wire(Money(0, "EUR")))
    at = time_to_wire(datetime(2027, 1, 1, tzinfo=UTC))
    event = event_pb2.Event(name="events/x", state=event_pb2.EVENT_STATE_PUBLISHED, start_time=at, end_time=at)
    read = offer_from_wire(domain_events_pb2.EventSnapshot(event=event, ticket_types=[kind]), 1)
    assert (read.ticket_types[0].least, read.ticket_types[0].most) == (1, 10)


def test_an_availability_message_says_every_field(make):
    kind = TypeAvailability(
        "events/x/ticketTypes/a", "A", Money(5, "EUR"), 7, SaleState.ON_SALE, "events/x/dates/d", "Early", True, 2
    )
    message = availability_to_wire(Availability("events/x", (kind,)), make.NOW + timedelta(milliseconds=5))
    assert json_format.MessageToDict(message, preserving_proto_field_name=True) == {
        "name": "events/x/availability",
        "bookable": True,
        "update_time": "2027-05-01T12:00:00.005Z",
        "ticket_types": [
            {
                "ticket_type": "events/x/ticketTypes/a",
                "display_name": "A",
                "price": {"currency_code": "EUR", "nanos": 50000000},
                "remaining": 7,
                "sale_state": "SALE_STATE_ON_SALE",
                "date": "events/x/dates/d",
                "phase": "Early",
                "waiting_list_open": True,
                "resale_available": 2,
            }
        ],
    }


def test_a_filter_becomes_conditions():
    assert conditions_from_filter('state = BOOKING_STATE_HELD AND buyer != "users/ada"') == [
        Condition("state", "HELD"),
        Condition("buyer", "users/ada", same=False),
    ]
    for wrong in ("state = HELD", "state = BOOKING_STATE_UNSPECIFIED", "total = 3"):
        with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
            conditions_from_filter(wrong)


SCAN = Scan(datetime(2027, 5, 1, 12, tzinfo=UTC), "pda-1", 7, Direction.EXIT, "North", "events/e/checkInLists/l", True)
LEFT = facts.ChangedLine("events/e/ticketTypes/a", "events/e/dates/d", 2, Money(500, "JPY"), Money(300, "EUR"))
LEFT_TOLD = {
    "ticket_type": "events/e/ticketTypes/a", "date": "events/e/dates/d", "quantity": 2,
    "total": {"currency_code": "JPY", "units": "500"}, "base_total": {"currency_code": "EUR", "units": "3"},
}  # fmt: skip
LESS = TaxPart("VAT", 190_000, Money(-200, "EUR"))
LESS_TOLD = {"display_name": "VAT", "rate_millionths": 190_000, "amount": {"currency_code": "EUR", "units": "-2"}}
SCAN_TOLD = {
    "scan_time": "2027-05-01T12:00:00Z", "device_id": "pda-1", "sequence": "7", "direction": "SCAN_DIRECTION_EXIT",
    "gate": "North", "check_in_list": "events/e/checkInLists/l", "offline": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "fact", [facts.CheckInListCreated(), facts.CheckInListChanged(), facts.CheckInListDeleted()], ids=repr
)
def test_what_happens_to_a_list_tells_the_list(make, fact):
    rules = ListRules("Door", ("t",), ("d",), (TimeWindow(make.NOW, None),), ("North",), reentry=True, admissions=3)
    told = CheckInList("events/e/checkInLists/l", rules, make.NOW, make.NOW, version=2)
    encoded = encode(fact, told)
    message = getattr(pb, type(fact).__name__).FromString(encoded.payload).check_in_list
    assert rules_from_wire(message) == rules
    said = json_format.MessageToDict(message, preserving_proto_field_name=True)
    assert (said["name"], said["etag"]) == (told.name, etag_of(2))
    assert set(said) == {field.name for field in message.DESCRIPTOR.fields}


@given(any_of(ListRules))
def test_the_rules_of_a_list_come_back_from_its_message(rules):
    rules = replace(rules, admissions=rules.admissions % 99 + 1)
    at = datetime(2027, 1, 1, tzinfo=UTC)
    assert rules_from_wire(check_in_list_to_wire(CheckInList("events/e/checkInLists/l", rules, at, at))) == rules


def test_every_domain_event_has_a_message_with_its_own_fields(make):
    _, booking = make.held()
    ticket = Ticket(f"{booking.name}/tickets/t", "events/x/ticketTypes/a", "A", "code")
    gone = replace(ticket, name=f"{booking.name}/tickets/old", code="old", state=TicketState.VOID, unit=GONE)
    booking = replace(booking, tickets=(gone, ticket))
    told = {
        "name": ticket.name, "ticket_type": ticket.ticket_type, "display_name": "A", "code": "code",
        "state": "TICKET_STATE_VALID", "price": {"currency_code": "EUR", "units": "25"},
    }  # fmt: skip
    told_gone = told | {
        "name": gone.name, "code": "old", "state": "TICKET_STATE_VOID", "price": {"currency_code": "EUR"},
    }  # fmt: skip
    happened = {
        facts.TicketTransferred(gone.name, ticket.name): {"old_ticket": told_gone, "new_ticket": told},
        facts.BookingHeld("press"): {"reason": "press"},
        facts.BookingApprovalRequested(): {},
        facts.BookingConfirmed(held_again=True, reason="press"): {"held_again": True, "reason": "press"},
        facts.BookingDetailsChanged(): {},
        facts.BookingCounted(): {},
        facts.BookingCancelled("ill", BookingState.HELD, Money(5, "EUR")): {
            "reason": "ill",
            "former_state": "BOOKING_STATE_HELD",
            "refund_due": {"currency_code": "EUR", "nanos": 50000000},
        },
        facts.BookingExpired(): {},
        facts.TicketCheckedIn(ticket.name, SCAN, again=True): {"ticket": told, "scan": SCAN_TOLD, "again": True},
        facts.TicketCheckedOut(ticket.name, SCAN): {"ticket": told, "scan": SCAN_TOLD},
        facts.CheckInUndone(ticket.name, SCAN, "wrong"): {"ticket": told, "scan": SCAN_TOLD, "reason": "wrong"},
        facts.DuplicateScanReported(ticket.name, SCAN, SCAN): {
            "ticket": told, "first": SCAN_TOLD, "second": SCAN_TOLD
        },
        facts.PaymentUnclaimed("payments/1", "SOLD_OUT"): {"payment": "payments/1", "reason": "SOLD_OUT"},
        facts.BookingChanged(("t",), ("u",), Money(5, "EUR"), "", (LEFT,), (replace(LEFT, quantity=3),), (LESS,)): {
            "removed_lines": [LEFT_TOLD],
            "added_lines": [LEFT_TOLD | {"quantity": 3}],
            "removed_tickets": ["t"],
            "added_tickets": ["u"],
            "refund_due": {"currency_code": "EUR", "nanos": 50000000},
            "tax_change": {"taxes": [LESS_TOLD]},
        },
        facts.BookingChanged(): {},
        facts.BookingChangeHeld(): {},
        facts.BookingChangeExpired(withdrawn=True): {"withdrawn": True},
        facts.BookingApproved(): {},
        facts.BookingRejected("full"): {"reason": "full"},
        facts.BookingCompleted(): {},
        facts.BookingNoShow(): {},
        facts.TicketsOffered(("t",)): {"tickets": ["t"]},
    }  # fmt: skip
    of_vouchers = {facts.VoucherCreated, facts.VoucherChanged, facts.VoucherDeleted}
    of_lists = {facts.CheckInListCreated, facts.CheckInListChanged, facts.CheckInListDeleted}
    of_others = {*facts.WaitingListFact.__args__, *facts.ResaleFact.__args__}
    assert {type(each) for each in happened} | of_lists == set(BUILDERS) - of_vouchers - of_others
    for fact, own in happened.items():
        encoded = encode(fact, booking)
        assert encoded.type == f"usher.booking.v1.{type(fact).__name__}"
        message = getattr(pb, type(fact).__name__).FromString(encoded.payload)
        assert message.booking == booking_to_wire(booking)
        message.ClearField("booking")
        assert json_format.MessageToDict(message, preserving_proto_field_name=True) == own


@settings(max_examples=20, deadline=None)
@given(any_of(Booking))
def test_the_answer_after_a_domain_event_is_the_same_message_as_without_one(booking):
    booking = replace(booking, total=Money(7, "EUR"), lines=(), tickets=())
    told = pb.BookingHeld(booking=booking_in_event(booking))
    answer = booking_to_wire(booking, ["a"])
    assert answer == booking_to_wire(booking, ["a"])
    assert told.booking == booking_to_wire(booking)


def test_what_is_never_answered_is_forgotten():
    bookings = [booking_with(lines=(), total=Money(0, "EUR")) for _ in range(_MOST_TOLD + 1)]
    for booking in bookings:
        booking_in_event(booking)
    assert len(_told) == _MOST_TOLD
    assert id(bookings[0]) not in _told
    assert id(bookings[-1]) in _told
