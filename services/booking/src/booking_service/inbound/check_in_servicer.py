"""The rpcs of check-in and check-out: parse, handle, encode."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from google.api.httpbody_pb2 import HttpBody

from access import Ownership, allows
from booking_service.check_in_wire import (
    check_in_list_to_wire,
    counts_to_wire,
    direction_from_wire,
    rules_from_wire,
    scan_to_wire,
)
from booking_service.domain.check_in_ports import CheckInChanges, CheckInReader, ListSigner
from booking_service.domain.ports import BookingReader, Desk, StockReader, TicketVerifier
from booking_service.handlers.change_check_in_list import (
    change_check_in_list,
    create_check_in_list,
    delete_check_in_list,
)
from booking_service.handlers.download_check_in_list import tickets_on_list
from booking_service.handlers.read_bookings import get_offer
from booking_service.handlers.scan_ticket import scan_ticket
from booking_service.handlers.undo_check_in import undo_check_in
from booking_service.handlers.upload_scan_log import upload_scan_log
from booking_service.handlers.watch_check_ins import watch_check_ins
from booking_service.inbound.check_in_messages import duplicates_to_wire, result_to_wire, revision_of, uploads_of
from booking_service.inbound.codes import ticket_for
from booking_service.inbound.signed_list import CONTENT_TYPE, signed_list
from booking_service.wire import ticket_of
from domain_kit.clock import Clock, utc_now
from grpc_runtime import cause_of, http_body, principal_of
from resource_api import PageTokens, page_size_of, time_from_wire, time_to_wire
from usher.booking.v1 import check_in_pb2
from usher.booking.v1 import check_in_service_pb2 as pb
from usher.booking.v1.check_in_service_pb2_grpc import CheckInServiceServicer

MOST_ITEMS = {pb.UploadScanLogRequest.DESCRIPTOR.full_name: 5000}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInParts:
    """What the rpcs work with."""

    desk: Desk
    check_ins: CheckInReader
    bookings: BookingReader
    stocks: StockReader
    changes: CheckInChanges
    verifier: TicketVerifier
    signer: ListSigner
    page_tokens: PageTokens
    watch_seconds: float
    clock: Clock = utc_now


class CheckInServicer(CheckInServiceServicer):
    """usher.booking.v1.CheckInService."""

    def __init__(self, parts: CheckInParts) -> None:
        self._parts = parts

    async def CreateCheckInList(
        self, request: pb.CreateCheckInListRequest, context: object
    ) -> check_in_pb2.CheckInList:
        rules, cause, parts = rules_from_wire(request.check_in_list), cause_of(request, context), self._parts
        made = await create_check_in_list(parts.desk, parts.check_ins, event=request.parent, rules=rules, cause=cause)
        return check_in_list_to_wire(made)

    async def GetCheckInList(self, request: pb.GetCheckInListRequest, context: object) -> check_in_pb2.CheckInList:
        return check_in_list_to_wire(await self._parts.check_ins.check_in_list(request.name))

    async def ListCheckInLists(
        self, request: pb.ListCheckInListsRequest, context: object
    ) -> pb.ListCheckInListsResponse:
        after, limit = self._parts.page_tokens.cursor_of(request), page_size_of(request)
        page = await self._parts.check_ins.lists_of(request.parent, after=after, limit=limit)
        token = self._parts.page_tokens.token_for(request, page.following)
        lists = [check_in_list_to_wire(each) for each in page.items]
        return pb.ListCheckInListsResponse(check_in_lists=lists, next_page_token=token)

    async def UpdateCheckInList(
        self, request: pb.UpdateCheckInListRequest, context: object
    ) -> check_in_pb2.CheckInList:
        wanted, cause = request.check_in_list, cause_of(request, context)
        return check_in_list_to_wire(await change_check_in_list(
            self._parts.desk, name=wanted.name, revise=revision_of(request), etag=wanted.etag, cause=cause
        ))  # fmt: skip

    async def DeleteCheckInList(
        self, request: pb.DeleteCheckInListRequest, context: object
    ) -> pb.DeleteCheckInListResponse:
        cause = cause_of(request, context)
        await delete_check_in_list(self._parts.desk, name=request.name, etag=request.etag, cause=cause)
        return pb.DeleteCheckInListResponse()

    async def ScanTicket(self, request: pb.ScanTicketRequest, context: object) -> pb.ScanTicketResponse:
        parts, cause, time = self._parts, cause_of(request, context), time_from_wire(request.scan_time)
        done = await scan_ticket(
            parts.desk, parts.verifier, parts.check_ins, list_name=request.name, code=request.code, gate=request.gate,
            direction=direction_from_wire(request.direction), time=time, device=request.device_id, cause=cause,
        )  # fmt: skip
        scan, ticket = None if done.scan is None else scan_to_wire(done.scan), ticket_of(done.booking, done.ticket)
        return pb.ScanTicketResponse(ticket=ticket, booking=done.booking.name, scan=scan)

    async def UndoCheckIn(self, request: pb.UndoCheckInRequest, context: object) -> pb.UndoCheckInResponse:
        desk, cause = self._parts.desk, cause_of(request, context)
        booking, ticket = await undo_check_in(
            desk, list_name=request.name, ticket=request.ticket, reason=request.reason, cause=cause
        )
        told = ticket_for(context, booking, ticket)  # a gate does not have its code any more
        return pb.UndoCheckInResponse(ticket=told, booking=booking.name)

    async def DownloadCheckInList(
        self, request: pb.DownloadCheckInListRequest, context: object
    ) -> AsyncGenerator[HttpBody, None]:
        parts, found = self._parts, await self._parts.check_ins.check_in_list(request.name)
        organizer = Ownership(organizer=(await get_offer(parts.stocks, found.event)).organizer)
        names = allows(principal_of(context), organizer, permission="bookings.read")
        pages = tickets_on_list(parts.bookings, parts.check_ins, found, with_names=names)
        async for piece in signed_list(found, pages, parts.signer, parts.clock()):
            yield http_body(CONTENT_TYPE, piece)

    async def UploadScanLog(self, request: pb.UploadScanLogRequest, context: object) -> pb.UploadScanLogResponse:
        parts, now, cause = self._parts, self._parts.clock(), cause_of(request, context)
        results = await upload_scan_log(
            parts.desk, parts.verifier, parts.check_ins, parts.stocks, list_name=request.name,
            uploads=uploads_of(request), now=now, cause=cause,
        )  # fmt: skip
        told = [result_to_wire(scan.sequence, each) for scan, each in zip(request.scans, results, strict=True)]
        return pb.UploadScanLogResponse(results=told, receive_time=time_to_wire(now))

    async def ListDuplicateScans(
        self, request: pb.ListDuplicateScansRequest, context: object
    ) -> pb.ListDuplicateScansResponse:
        parts, found = self._parts, await self._parts.check_ins.check_in_list(request.parent)
        after, limit = parts.page_tokens.cursor_of(request), page_size_of(request)
        page = await parts.check_ins.duplicated_on(found.name, after=after, limit=limit)
        token = parts.page_tokens.token_for(request, page.following)
        return pb.ListDuplicateScansResponse(
            duplicate_scans=duplicates_to_wire(page.items, found), next_page_token=token
        )  # fmt: skip

    async def WatchCheckIns(
        self, request: pb.WatchCheckInsRequest, context: object
    ) -> AsyncGenerator[pb.WatchCheckInsResponse, None]:
        watched = watch_check_ins(self._parts.changes, event=request.parent, lasting=self._parts.watch_seconds)
        async with aclosing(watched) as news:
            async for tallies in news:
                now = time_to_wire(self._parts.clock())
                yield pb.WatchCheckInsResponse(counts=counts_to_wire(tallies), update_time=now)
