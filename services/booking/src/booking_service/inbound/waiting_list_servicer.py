"""The rpcs of the waiting list: parse, handle, encode."""

from collections.abc import Mapping
from dataclasses import dataclass

from booking_service.domain.ports import Condition, Desk
from booking_service.domain.waiting_list_ports import EntryReader
from booking_service.handlers.change_waiting_entry import leave_waiting_list, prioritize_entry
from booking_service.handlers.join_waiting_list import join_waiting_list
from booking_service.waiting_wire import ENTRY_STATE_PREFIX, entry_to_wire
from grpc_runtime import cause_of, principal_of
from resource_api import Choice, FilterFields, PageTokens, Text, apply_update_mask, mask_paths, page_size_of
from usher.booking.v1 import waiting_list_entry_pb2 as entries_pb
from usher.booking.v1 import waiting_list_service_pb2 as pb
from usher.booking.v1.waiting_list_service_pb2_grpc import WaitingListServiceServicer

_STATES = [value.name for value in entries_pb.WaitingListEntryState.DESCRIPTOR.values if value.number]
_FILTER = FilterFields({"state": Choice(_STATES), "ticket_type": Text(), "date": Text(), "user": Text()})
_FIXED = ("ticket_type", "date", "quantity", "currency_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingListParts:
    """What the rpcs work with."""

    desk: Desk
    entries: EntryReader
    page_tokens: PageTokens


class WaitingListServicer(WaitingListServiceServicer):
    """usher.booking.v1.WaitingListService."""

    def __init__(self, parts: WaitingListParts) -> None:
        self._parts = parts

    async def JoinWaitingList(self, request: pb.JoinWaitingListRequest, context: object) -> entries_pb.WaitingListEntry:
        wish, user, cause = request.waiting_list_entry, principal_of(context).user, cause_of(request, context)
        entry = await join_waiting_list(
            self._parts.desk, event=request.parent, user=user, ticket_type=wish.ticket_type, date=wish.date,
            quantity=wish.quantity, currency=wish.currency_code, cause=cause,
        )  # fmt: skip
        return entry_to_wire(entry)

    async def GetWaitingListEntry(
        self, request: pb.GetWaitingListEntryRequest, context: object
    ) -> entries_pb.WaitingListEntry:
        return entry_to_wire(await self._parts.entries.get(request.name))

    async def ListWaitingListEntries(
        self, request: pb.ListWaitingListEntriesRequest, context: object
    ) -> pb.ListWaitingListEntriesResponse:
        tokens, conditions, limit = self._parts.page_tokens, conditions_of(request.filter), page_size_of(request)
        after = tokens.cursor_of(request)
        page = await self._parts.entries.of_event(request.parent, conditions, after=after, limit=limit)
        found, token = [entry_to_wire(each) for each in page.items], tokens.token_for(request, page.following)
        return pb.ListWaitingListEntriesResponse(waiting_list_entries=found, next_page_token=token)

    async def ListUserWaitingListEntries(
        self, request: pb.ListUserWaitingListEntriesRequest, context: object
    ) -> pb.ListUserWaitingListEntriesResponse:
        tokens, limit = self._parts.page_tokens, page_size_of(request)
        page = await self._parts.entries.of_user(request.parent, after=tokens.cursor_of(request), limit=limit)
        found, token = [entry_to_wire(each) for each in page.items], tokens.token_for(request, page.following)
        return pb.ListUserWaitingListEntriesResponse(waiting_list_entries=found, next_page_token=token)

    async def LeaveWaitingList(
        self, request: pb.LeaveWaitingListRequest, context: object
    ) -> entries_pb.WaitingListEntry:
        desk, cause = self._parts.desk, cause_of(request, context)
        return entry_to_wire(await leave_waiting_list(desk, name=request.name, etag=request.etag, cause=cause))

    async def UpdateWaitingListEntry(
        self, request: pb.UpdateWaitingListEntryRequest, context: object
    ) -> entries_pb.WaitingListEntry:
        patch, desk, cause = request.waiting_list_entry, self._parts.desk, cause_of(request, context)
        stored = entry_to_wire(await self._parts.entries.get(patch.name))
        merged = apply_update_mask(stored, patch, request.update_mask, immutable=_FIXED)
        if "priority" not in mask_paths(patch, request.update_mask):
            return stored
        return entry_to_wire(
            await prioritize_entry(desk, name=patch.name, priority=merged.priority, etag=patch.etag, cause=cause)
        )  # fmt: skip


def conditions_of(text: str) -> list[Condition]:
    """InvalidArgument FILTER_INVALID."""
    prefixes: Mapping[str, str] = {"state": ENTRY_STATE_PREFIX}
    return [
        Condition(each.field, str(each.value).removeprefix(prefixes.get(each.field, "")), each.operator == "=")
        for each in _FILTER.parse(text)
    ]
