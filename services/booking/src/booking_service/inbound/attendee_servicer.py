"""The rpcs about who comes: parse, handle, encode."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from google.api.httpbody_pb2 import HttpBody

from booking_service.domain.booking import Booking
from booking_service.domain.commands import TicketIssuer
from booking_service.domain.ports import BookingReader, Desk, StockReader
from booking_service.domain.records import Record
from booking_service.domain.voucher_ports import Rehearsal
from booking_service.domain.waiting_ports import Offers
from booking_service.handlers.change_details import change_details
from booking_service.handlers.create_group_booking import create_group_booking
from booking_service.handlers.export_attendees import export_attendees
from booking_service.handlers.import_attendees import import_attendees
from booking_service.handlers.read_bookings import get_offer, missing_answers_of
from booking_service.inbound import attendee_messages as messages
from booking_service.inbound.attendee_download import download_of
from booking_service.inbound.attendee_rows import rows_of
from booking_service.inbound.codes import booking_for, serves
from domain_kit.clock import Clock, utc_now
from domain_kit.repository import Cause
from grpc_runtime import cause_of
from grpc_runtime.validation import Validation
from usher.booking.v1 import attendee_service_pb2 as pb
from usher.booking.v1 import booking_pb2
from usher.booking.v1.attendee_service_pb2_grpc import AttendeeServiceServicer

MANAGES = "bookings.manage"
# Items in all lists of a request: who comes with 1,000 tickets, and what each of them answered.
MOST_ITEMS = {
    pb.CreateGroupBookingRequest.DESCRIPTOR.full_name: 20_000,
    pb.ChangeBookingDetailsRequest.DESCRIPTOR.full_name: 20_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendeeParts:
    """What the rpcs work with. answered: what the cause was answered before."""

    desk: Desk
    bookings: BookingReader
    stocks: StockReader
    offers: Offers
    issuer: TicketIssuer
    answered: Callable[[Cause], Awaitable[Record | None]]
    rehearsal: Rehearsal
    clock: Clock = utc_now


class AttendeeServicer(AttendeeServiceServicer):
    """usher.booking.v1.AttendeeService."""

    def __init__(self, parts: AttendeeParts) -> None:
        self._parts, self._validation = parts, Validation()

    async def ChangeBookingDetails(
        self, request: pb.ChangeBookingDetailsRequest, context: object
    ) -> booking_pb2.Booking:
        parts, details = self._parts, messages.details_from_wire(request)
        managing = serves(context, (await parts.bookings.get(request.name)).organizer, MANAGES)
        cause = cause_of(request, context)
        return await self._told(context, await change_details(
            parts.desk, name=request.name, **details, by_organizer=managing, etag=request.etag, cause=cause
        ))  # fmt: skip

    async def CreateGroupBooking(self, request: pb.CreateGroupBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause, group = self._parts, cause_of(request, context), messages.group_from_wire(request)
        booking = await create_group_booking(parts.desk, parts.issuer, event=request.parent, **group, cause=cause)
        return await self._told(context, booking)

    async def ImportAttendees(
        self, request: pb.ImportAttendeesRequest, context: object
    ) -> AsyncGenerator[pb.ImportAttendeesResponse, None]:
        parts, read = self._parts, partial(rows_of, request.content, request.format, self._validation)
        importing = import_attendees(
            parts.desk, parts.stocks, parts.issuer, parts.answered, parts.clock, parts.rehearsal, event=request.parent,
            read=read, reason=request.reason, validate_only=request.validate_only, cause=cause_of(request, context),
        )  # fmt: skip
        async with aclosing(importing) as news:
            async for progress in news:
                yield messages.progress_to_wire(progress)

    async def ExportAttendees(
        self, request: pb.ExportAttendeesRequest, context: object
    ) -> AsyncGenerator[HttpBody, None]:
        parts = self._parts
        offer = await get_offer(parts.stocks, request.parent)
        async with aclosing(export_attendees(parts.bookings, event=request.parent)) as pages:
            async for part in download_of(pages, offer, request):
                yield part

    async def _told(self, context: object, booking: Booking) -> booking_pb2.Booking:
        return booking_for(context, booking, await missing_answers_of(self._parts.offers, booking))
