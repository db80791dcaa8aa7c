"""Domain events as messages of usher.booking.v1, each with what it happened to after it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from booking_service.domain import domain_events as facts
from booking_service.domain.availability import Availability
from booking_service.domain.booking import Booking
from booking_service.domain.records import Record
from booking_service.domain.waiting_entry import WaitingEntry
from booking_service.waiting_wire import entry_to_wire
from booking_service.wire import availability_to_wire, booking_to_wire, ticket_of
from domain_kit.backbone import EncodedEvent
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as pb


def _held(fact: facts.BookingHeld, booking: Booking) -> Message:  # noqa: ARG001  # all builders are called alike
    return pb.BookingHeld(booking=booking_to_wire(booking))


def _confirmed(fact: facts.BookingConfirmed, booking: Booking) -> Message:
    return pb.BookingConfirmed(booking=booking_to_wire(booking), held_again=fact.held_again)


def _cancelled(fact: facts.BookingCancelled, booking: Booking) -> Message:
    return pb.BookingCancelled(
        booking=booking_to_wire(booking),
        refund_due=None if fact.refund_due is None else money_to_wire(fact.refund_due),
        reason=fact.reason,
        former_state=booking_pb2.BookingState.Value(f"BOOKING_STATE_{fact.former_state.name}"),
    )


def _expired(fact: facts.BookingExpired, booking: Booking) -> Message:  # noqa: ARG001  # all builders are called alike
    return pb.BookingExpired(booking=booking_to_wire(booking))


def _checked_in(fact: facts.TicketCheckedIn, booking: Booking) -> Message:
    return pb.TicketCheckedIn(booking=booking_to_wire(booking), ticket=ticket_of(booking, booking.ticket(fact.ticket)))


def _unclaimed(fact: facts.PaymentUnclaimed, booking: Booking) -> Message:
    return pb.PaymentUnclaimed(booking=booking_to_wire(booking), payment=fact.payment, reason=fact.reason)


def _waits(
    message: "type[pb.WaitingListJoined | pb.WaitingListPriorityChanged | pb.WaitingListOffered"
    " | pb.WaitingListFulfilled | pb.WaitingListLeft]",
) -> Callable[[facts.WaitingListFact, WaitingEntry], Message]:
    return lambda _, entry: message(waiting_list_entry=entry_to_wire(entry))


def _lapsed(fact: facts.WaitingListLapsed, entry: WaitingEntry) -> Message:
    return pb.WaitingListLapsed(waiting_list_entry=entry_to_wire(entry), reason=fact.reason)


BUILDERS: Mapping[type[facts.Happening], Callable[[Any, Any], Message]] = {
    facts.BookingHeld: _held,
    facts.BookingConfirmed: _confirmed,
    facts.BookingCancelled: _cancelled,
    facts.BookingExpired: _expired,
    facts.TicketCheckedIn: _checked_in,
    facts.PaymentUnclaimed: _unclaimed,
    facts.WaitingListJoined: _waits(pb.WaitingListJoined),
    facts.WaitingListPriorityChanged: _waits(pb.WaitingListPriorityChanged),
    facts.WaitingListOffered: _waits(pb.WaitingListOffered),
    facts.WaitingListFulfilled: _waits(pb.WaitingListFulfilled),
    facts.WaitingListLapsed: _lapsed,
    facts.WaitingListLeft: _waits(pb.WaitingListLeft),
}


def encode(happened: facts.Happening, record: Record) -> EncodedEvent:
    """`record` is the aggregate right after it, version included."""
    return _encoded(BUILDERS[type(happened)](happened, record))


def encode_availability(availability: Availability, now: datetime) -> EncodedEvent:
    """AvailabilityChanged."""
    return _encoded(pb.AvailabilityChanged(availability=availability_to_wire(availability, now)))


def _encoded(message: Message) -> EncodedEvent:
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))
