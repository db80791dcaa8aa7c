"""The rpcs that change bookings and decide on those that wait for approval: parse, handle, encode."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Change, TicketIssuer, TransferTicket
from booking_service.domain.ports import Desk
from booking_service.handlers.change_booking import (
    approve_booking,
    change_booking,
    event_of,
    reject_booking,
    withdraw_change,
)
from booking_service.handlers.transfer_ticket import transfer_ticket
from booking_service.inbound.codes import booking_for
from booking_service.inbound.messages import attendee_from_wire, lines_from_wire
from booking_service.inbound.organizers import OwnersOf, acts_for_organizer
from booking_service.inbound.waiting_room_servicer import LetPass
from grpc_runtime import cause_of
from usher.booking.v1 import booking_change_service_pb2 as pb
from usher.booking.v1 import booking_pb2
from usher.booking.v1.booking_change_service_pb2_grpc import BookingChangeServiceServicer


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeParts:
    """What the rpcs work with. hold_for: how long what a change adds is held, where the event does not say.

    let_pass: the way through the waiting room for who adds tickets.
    """

    desk: Desk
    owners_of: OwnersOf
    issuer: TicketIssuer
    hold_for: timedelta
    let_pass: LetPass


class BookingChangeServicer(BookingChangeServiceServicer):
    """usher.booking.v1.BookingChangeService."""

    def __init__(self, parts: ChangeParts) -> None:
        self._parts = parts

    async def ChangeBooking(self, request: pb.ChangeBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause = self._parts, cause_of(request, context)
        manages = await acts_for_organizer(parts.owners_of, context, request.name, "bookings.manage")
        change = change_from_wire(request, parts, by_terms=not manages)
        make = partial(change_booking, parts.desk, trial=request.validate_only, cause=cause)
        if manages or not change.add:
            return booking_for(context, await make(change))
        return booking_for(context, await parts.let_pass(
            change.event, request.turn_token, context, cause, lambda unasked: make(replace(change, unasked=unasked))
        ))  # fmt: skip

    async def WithdrawChange(self, request: pb.WithdrawChangeRequest, context: object) -> booking_pb2.Booking:
        desk, cause = self._parts.desk, cause_of(request, context)
        return booking_for(
            context,
            await withdraw_change(desk, name=request.name, reason=request.reason, etag=request.etag, cause=cause),
        )

    async def ApproveBooking(self, request: pb.ApproveBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause = self._parts, cause_of(request, context)
        return booking_for(
            context, await approve_booking(parts.desk, parts.issuer, name=request.name, etag=request.etag, cause=cause)
        )

    async def RejectBooking(self, request: pb.RejectBookingRequest, context: object) -> booking_pb2.Booking:
        desk, cause = self._parts.desk, cause_of(request, context)
        return booking_for(
            context,
            await reject_booking(desk, name=request.name, reason=request.reason, etag=request.etag, cause=cause),
        )

    async def TransferTicket(self, request: pb.TransferTicketRequest, context: object) -> booking_pb2.Booking:
        parts, cause = self._parts, cause_of(request, context)
        manages = await acts_for_organizer(parts.owners_of, context, booking_of(request.name), "bookings.manage")
        transfer = transfer_from_wire(request, parts, by_terms=not manages)
        return booking_for(context, await transfer_ticket(parts.desk, transfer, cause=cause))


def change_from_wire(request: pb.ChangeBookingRequest, parts: ChangeParts, *, by_terms: bool) -> Change:
    """What is asked for. by_terms: by the buyer."""
    return Change(
        event=event_of(request.name),
        booking=request.name,
        remove=tuple(request.remove_tickets),
        reduce=tuple(Reduction(each.ticket_type, each.date, each.quantity) for each in request.remove_lines),
        add=tuple(lines_from_wire(request.add_lines)),
        by_terms=by_terms,
        issuer=parts.issuer,
        hold_for=parts.hold_for,
        reason=request.reason,
        etag=request.etag,
    )


def transfer_from_wire(request: pb.TransferTicketRequest, parts: ChangeParts, *, by_terms: bool) -> TransferTicket:
    """What is asked for. by_terms: by the buyer."""
    return TransferTicket(
        event=event_of(request.name),
        booking=booking_of(request.name),
        ticket=request.name,
        attendee=attendee_from_wire(request.attendee),
        by_terms=by_terms,
        issuer=parts.issuer,
        etag=request.etag,
    )


def booking_of(ticket: str) -> str:
    """The booking's name, of a ticket's."""
    return ticket.rpartition("/tickets/")[0]
