"""Domain events as messages of usher.booking.v1, each with what it happened to after it."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from booking_service.check_in_wire import check_in_list_to_wire, scan_to_wire
from booking_service.domain import domain_events as facts
from booking_service.domain.availability import Availability
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.records import Record
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.scans import Scan
from booking_service.domain.voucher import Voucher
from booking_service.domain.waiting_entry import WaitingEntry
from booking_service.resale_wire import resale_offer_to_wire
from booking_service.voucher_wire import voucher_to_wire
from booking_service.waiting_wire import entry_to_wire
from booking_service.wire import (
    availability_to_wire,
    base_taxes_to_wire,
    booking_in_event,
    taxes_to_wire,
    ticket_of,
)
from domain_kit.backbone import EncodedEvent
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as pb

_OfTicket = facts.TicketCheckedIn | facts.TicketCheckedOut | facts.CheckInUndone | facts.DuplicateScanReported


def _held(fact: facts.BookingHeld, booking: Booking) -> Message:
    return pb.BookingHeld(booking=booking_in_event(booking), reason=fact.reason)


def _confirmed(fact: facts.BookingConfirmed, booking: Booking) -> Message:
    return pb.BookingConfirmed(booking=booking_in_event(booking), held_again=fact.held_again, reason=fact.reason)


def _details_changed(fact: facts.BookingDetailsChanged, booking: Booking) -> Message:  # noqa: ARG001  # as the others
    return pb.BookingDetailsChanged(booking=booking_in_event(booking))


def _cancelled(fact: facts.BookingCancelled, booking: Booking) -> Message:
    return pb.BookingCancelled(
        booking=booking_in_event(booking),
        refund_due=None if fact.refund_due is None else money_to_wire(fact.refund_due),
        reason=fact.reason,
        former_state=booking_pb2.BookingState.Value(f"BOOKING_STATE_{fact.former_state.name}"),
    )


def _expired(fact: facts.BookingExpired, booking: Booking) -> Message:  # noqa: ARG001  # all builders are called alike
    return pb.BookingExpired(booking=booking_in_event(booking))


def _change_expired(fact: facts.BookingChangeExpired, booking: Booking) -> Message:
    return pb.BookingChangeExpired(booking=booking_in_event(booking), withdrawn=fact.withdrawn)


def _passed(kind: Callable[..., Message]) -> Callable[[_OfTicket, Booking], Message]:
    """Of what happens to a ticket at a gate: its message has the fields of the fact."""

    def build(fact: _OfTicket, booking: Booking) -> Message:
        told = {
            each.name: scan_to_wire(value) if isinstance(value, Scan) else value
            for each in fields(fact) if each.name != "ticket" for value in [getattr(fact, each.name)]
        }  # fmt: skip
        return kind(booking=booking_in_event(booking), ticket=ticket_of(booking, booking.ticket(fact.ticket)), **told)

    return build


def _of_list(kind: Callable[..., Message]) -> Callable[[facts.Happening, CheckInList], Message]:
    return lambda _, check_in_list: kind(check_in_list=check_in_list_to_wire(check_in_list))


def _unclaimed(fact: facts.PaymentUnclaimed, booking: Booking) -> Message:
    return pb.PaymentUnclaimed(booking=booking_in_event(booking), payment=fact.payment, reason=fact.reason)


def _voucher_created(fact: facts.VoucherCreated, voucher: Voucher) -> Message:  # noqa: ARG001  # as above
    return pb.VoucherCreated(voucher=voucher_to_wire(voucher))


def _voucher_changed(fact: facts.VoucherChanged, voucher: Voucher) -> Message:  # noqa: ARG001  # as above
    return pb.VoucherChanged(voucher=voucher_to_wire(voucher))


def _voucher_deleted(fact: facts.VoucherDeleted, voucher: Voucher) -> Message:  # noqa: ARG001  # as above
    return pb.VoucherDeleted(voucher=voucher_to_wire(voucher))


def _changed(fact: facts.BookingChanged, booking: Booking) -> Message:
    return pb.BookingChanged(
        booking=booking_in_event(booking),
        refund_due=None if fact.refund_due is None else money_to_wire(fact.refund_due),
        removed_tickets=fact.removed,
        added_tickets=fact.added,
        removed_lines=[_changed_line(each) for each in fact.removed_lines],
        added_lines=[_changed_line(each) for each in fact.added_lines],
        tax_change=_tax_change(fact) if fact.removed_lines or fact.added_lines else None,
    )


def _tax_change(fact: facts.BookingChanged) -> pb.TaxChange:
    return pb.TaxChange(taxes=taxes_to_wire(fact.taxes), base_taxes=base_taxes_to_wire(fact.base_taxes))


def _changed_line(line: facts.ChangedLine) -> pb.ChangedLine:
    return pb.ChangedLine(
        ticket_type=line.ticket_type,
        date=line.date,
        quantity=line.quantity,
        total=money_to_wire(line.total),
        base_total=None if line.base_total is None else money_to_wire(line.base_total),
    )


def _transferred(fact: facts.TicketTransferred, booking: Booking) -> Message:
    old, new = (ticket_of(booking, booking.ticket(name)) for name in (fact.old, fact.new))
    return pb.TicketTransferred(booking=booking_in_event(booking), old_ticket=old, new_ticket=new)


def _rejected(fact: facts.BookingRejected, booking: Booking) -> Message:
    return pb.BookingRejected(booking=booking_in_event(booking), reason=fact.reason)


def _with_state(message: type[Any]) -> Callable[[Any, Any], Message]:
    """Of a fact that has nothing but the booking after it."""
    return lambda _, booking: message(booking=booking_in_event(booking))


def _waits(
    message: "type[pb.WaitingListJoined | pb.WaitingListPriorityChanged | pb.WaitingListOffered"
    " | pb.WaitingListFulfilled | pb.WaitingListLeft]",
) -> Callable[[facts.WaitingListFact, WaitingEntry], Message]:
    return lambda _, entry: message(waiting_list_entry=entry_to_wire(entry))


def _lapsed(fact: facts.WaitingListLapsed, entry: WaitingEntry) -> Message:
    return pb.WaitingListLapsed(waiting_list_entry=entry_to_wire(entry), reason=fact.reason)


def _offered_for_resale(fact: facts.TicketsOffered, booking: Booking) -> Message:
    return pb.TicketsOffered(booking=booking_in_event(booking), tickets=fact.tickets)


def _of_resale(message: type[Any]) -> Callable[[facts.ResaleFact, ResaleOffer], Message]:
    """Its message has the fields of the fact beside the offer."""
    return lambda fact, offer: message(
        resale_offer=resale_offer_to_wire(offer), **{each.name: getattr(fact, each.name) for each in fields(fact)}
    )


BUILDERS: Mapping[type[facts.Happening], Callable[[Any, Any], Message]] = {
    facts.BookingHeld: _held,
    facts.BookingApprovalRequested: _with_state(pb.BookingApprovalRequested),
    facts.BookingConfirmed: _confirmed,
    facts.BookingCancelled: _cancelled,
    facts.BookingExpired: _expired,
    facts.TicketCheckedIn: _passed(pb.TicketCheckedIn),
    facts.TicketCheckedOut: _passed(pb.TicketCheckedOut),
    facts.CheckInUndone: _passed(pb.CheckInUndone),
    facts.DuplicateScanReported: _passed(pb.DuplicateScanReported),
    facts.CheckInListCreated: _of_list(pb.CheckInListCreated),
    facts.CheckInListChanged: _of_list(pb.CheckInListChanged),
    facts.CheckInListDeleted: _of_list(pb.CheckInListDeleted),
    facts.PaymentUnclaimed: _unclaimed,
    facts.VoucherCreated: _voucher_created,
    facts.VoucherChanged: _voucher_changed,
    facts.VoucherDeleted: _voucher_deleted,
    facts.BookingDetailsChanged: _details_changed,
    facts.BookingCounted: _with_state(pb.BookingCounted),
    facts.TicketTransferred: _transferred,
    facts.BookingChanged: _changed,
    facts.BookingChangeHeld: _with_state(pb.BookingChangeHeld),
    facts.BookingChangeExpired: _change_expired,
    facts.BookingApproved: _with_state(pb.BookingApproved),
    facts.BookingRejected: _rejected,
    facts.BookingCompleted: _with_state(pb.BookingCompleted),
    facts.BookingNoShow: _with_state(pb.BookingNoShow),
    facts.WaitingListJoined: _waits(pb.WaitingListJoined),
    facts.WaitingListPriorityChanged: _waits(pb.WaitingListPriorityChanged),
    facts.WaitingListOffered: _waits(pb.WaitingListOffered),
    facts.WaitingListFulfilled: _waits(pb.WaitingListFulfilled),
    facts.WaitingListLapsed: _lapsed,
    facts.WaitingListLeft: _waits(pb.WaitingListLeft),
    facts.TicketsOffered: _offered_for_resale,
    facts.ResaleOfferOpened: _of_resale(pb.ResaleOfferOpened),
    facts.ResaleOfferReserved: _of_resale(pb.ResaleOfferReserved),
    facts.ResaleOfferReopened: _of_resale(pb.ResaleOfferReopened),
    facts.ResaleOfferSold: _of_resale(pb.ResaleOfferSold),
    facts.ResaleOfferWithdrawn: _of_resale(pb.ResaleOfferWithdrawn),
    facts.ResaleOfferLapsed: _of_resale(pb.ResaleOfferLapsed),
}


def type_of(happened: facts.Happening) -> str:
    """Full name of its message: the domain's name of it in the contract's package."""
    return f"usher.booking.v1.{type(happened).__name__}"


def encode(happened: facts.Happening, record: Record) -> EncodedEvent:
    """`record` is the aggregate right after it, version included."""
    return _encoded(BUILDERS[type(happened)](happened, record))


def encode_availability(availability: Availability, now: datetime) -> EncodedEvent:
    """AvailabilityChanged."""
    return _encoded(pb.AvailabilityChanged(availability=availability_to_wire(availability, now)))


def _encoded(message: Message) -> EncodedEvent:
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))
