"""The rpcs of the booking service: parse, handle, encode."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from google.api.httpbody_pb2 import HttpBody

from booking_service.domain.commands import TicketIssuer
from booking_service.domain.ports import BookingReader, Changes, Desk, QrImages, StockReader, TicketVerifier
from booking_service.domain.voucher_ports import Rehearsal, VoucherReader
from booking_service.domain.waiting_ports import Offers
from booking_service.handlers.change_booking import cancel_booking, confirm_booking
from booking_service.handlers.check_in_ticket import check_in_ticket
from booking_service.handlers.create_booking import create_booking
from booking_service.handlers.quote_booking import quote_booking
from booking_service.handlers.read_bookings import get_valid_ticket, missing_answers_of
from booking_service.handlers.watch_availability import get_availability, watch_availability
from booking_service.inbound.codes import booking_for, serves
from booking_service.inbound.messages import answers_from_wire, conditions_from_filter, wanted_from_wire
from booking_service.inbound.organizers import OwnersOf, refund_asked
from booking_service.inbound.waiting_room_servicer import LetPass
from booking_service.wire import availability_to_wire, quote_to_wire, ticket_of
from domain_kit.clock import Clock, utc_now
from grpc_runtime import cause_of, http_body, principal_of
from resource_api import PageTokens, page_size_of
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceServicer

PNG = pb.GetTicketQrCodeRequest.FORMAT_PNG


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the rpcs work with."""

    desk: Desk
    bookings: BookingReader
    owners_of: OwnersOf
    stocks: StockReader
    vouchers: VoucherReader
    rehearsal: Rehearsal
    offers: Offers
    changes: Changes
    issuer: TicketIssuer
    verifier: TicketVerifier
    images: QrImages
    page_tokens: PageTokens
    hold_for: timedelta
    watch_seconds: float
    let_pass: LetPass
    clock: Clock = utc_now


class BookingServicer(BookingServiceServicer):
    """usher.booking.v1.BookingService."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def CreateBooking(self, request: pb.CreateBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause, turn = self._parts, cause_of(request, context), request.turn_token
        booking = await parts.let_pass(request.parent, turn, context, cause, lambda unasked: create_booking(
            parts.desk, event=request.parent, buyer=principal_of(context).user, wanted=wanted_from_wire(request),
            voucher_codes=tuple(request.booking.voucher_codes), answers=answers_from_wire(request.booking.answers),
            currency=request.booking.currency_code, hold_for=parts.hold_for, cause=cause, unasked=unasked,
        ))  # fmt: skip
        return booking_for(context, booking, await missing_answers_of(parts.offers, booking))

    async def QuoteBooking(self, request: pb.QuoteBookingRequest, context: object) -> pb.BookingQuote:
        parts, cause, turn = self._parts, cause_of(request, context), request.turn_token
        return quote_to_wire(await parts.let_pass(request.parent, turn, context, cause, lambda unasked: quote_booking(
            parts.rehearsal, event=request.parent, buyer=principal_of(context).user, wanted=wanted_from_wire(request),
            voucher_codes=tuple(request.booking.voucher_codes), answers=answers_from_wire(request.booking.answers),
            currency=request.booking.currency_code, unasked=unasked,
        )))  # fmt: skip

    async def GetBooking(self, request: pb.GetBookingRequest, context: object) -> booking_pb2.Booking:
        booking = await self._parts.bookings.get(request.name)
        return booking_for(context, booking, await missing_answers_of(self._parts.offers, booking))

    async def ListBookings(self, request: pb.ListBookingsRequest, context: object) -> pb.ListBookingsResponse:
        after, conditions = self._parts.page_tokens.cursor_of(request), conditions_from_filter(request.filter)
        limit = page_size_of(request)
        page = await self._parts.bookings.of_event(request.parent, conditions, after=after, limit=limit)
        token = self._parts.page_tokens.token_for(request, page.following)
        return pb.ListBookingsResponse(
            bookings=[booking_for(context, each) for each in page.items], next_page_token=token
        )

    async def ListUserBookings(
        self, request: pb.ListUserBookingsRequest, context: object
    ) -> pb.ListUserBookingsResponse:
        after, limit = self._parts.page_tokens.cursor_of(request), page_size_of(request)
        page = await self._parts.bookings.of_user(request.parent, after=after, limit=limit)
        token = self._parts.page_tokens.token_for(request, page.following)
        return pb.ListUserBookingsResponse(
            bookings=[booking_for(context, each) for each in page.items], next_page_token=token
        )

    async def ConfirmBooking(self, request: pb.ConfirmBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause = self._parts, cause_of(request, context)
        return booking_for(
            context, await confirm_booking(parts.desk, parts.issuer, name=request.name, etag=request.etag, cause=cause)
        )

    async def CancelBooking(self, request: pb.CancelBookingRequest, context: object) -> booking_pb2.Booking:
        parts, cause = self._parts, cause_of(request, context)
        return booking_for(context, await cancel_booking(
            parts.desk, name=request.name, reason=request.reason, etag=request.etag, cause=cause,
            basis_points=await refund_asked(parts.owners_of, request, context),
        ))  # fmt: skip

    async def GetTicketQrCode(self, request: pb.GetTicketQrCodeRequest, context: object) -> HttpBody:
        parts, images = self._parts, self._parts.images
        ticket = await get_valid_ticket(parts.bookings, request.name, serves=partial(serves, context))
        if request.format == PNG:
            return http_body("image/png", await asyncio.to_thread(images.png, ticket.code))
        return http_body("image/svg+xml", await asyncio.to_thread(images.svg, ticket.code))

    async def CheckInTicket(self, request: pb.CheckInTicketRequest, context: object) -> pb.CheckInTicketResponse:
        parts, cause = self._parts, cause_of(request, context)
        booking, ticket = await check_in_ticket(
            parts.desk, parts.verifier, event=request.parent, code=request.code, cause=cause
        )  # fmt: skip
        return pb.CheckInTicketResponse(ticket=ticket_of(booking, ticket), booking=booking.name)

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, context: object) -> booking_pb2.Availability:
        parts, event = self._parts, request.name.removesuffix("/availability")
        return availability_to_wire(await get_availability(
            parts.stocks, parts.vouchers, parts.clock, event=event, voucher_code=request.voucher_code
        ), parts.clock())  # fmt: skip

    async def WatchAvailability(
        self, request: pb.WatchAvailabilityRequest, context: object
    ) -> AsyncGenerator[booking_pb2.Availability, None]:
        clock, event = self._parts.clock, request.name.removesuffix("/availability")
        watched = watch_availability(self._parts.changes, clock, event=event, lasting=self._parts.watch_seconds)
        async with aclosing(watched) as news:
            async for availability in news:
                yield availability_to_wire(availability, clock())
