"""The rpcs of the event service: parse, handle, encode."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from access import Ownership, allows
from domain_kit.clock import Clock, utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument
from event_service.domain.event import Event, Outcome
from event_service.domain.ports import EventRepository
from event_service.handlers.create_event import create_event
from event_service.handlers.import_events import LineProblem, Prepared, import_events, prepare
from event_service.handlers.read_event import read_event
from event_service.inbound import queries
from event_service.inbound.import_lines import MOST_LINES, numbered_lines, read_line
from event_service.wire.events import details_from_wire, event_to_wire
from event_service.wire.offer import (
    capacity_pool_from_wire,
    capacity_pool_parts,
    capacity_pool_to_wire,
    ticket_type_from_wire,
    ticket_type_parts,
    ticket_type_to_wire,
)
from grpc_runtime import caller_of, cause_of
from grpc_runtime.interceptors import Validation
from resource_api import PageTokens, apply_update_mask, check_etag, page_size_of
from usher.event.v1 import event_pb2, ticket_type_pb2
from usher.event.v1 import event_service_pb2 as pb
from usher.event.v1.event_service_pb2_grpc import EventServiceServicer

CHECKED_AT_ONCE = 200
CHARACTERS_AT_ONCE = 20_000  # some hundredths of a second
MOST_PROBLEMS = 100
Item = TypeVar("Item")


class EventServicer(EventServiceServicer):
    """usher.event.v1.EventService."""

    def __init__(self, events: EventRepository, page_tokens: PageTokens, clock: Clock = utc_now) -> None:
        self._events, self._tokens, self._now = events, page_tokens, clock
        self._validation = Validation()

    async def CreateEvent(self, request: pb.CreateEventRequest, context: object) -> event_pb2.Event:
        details, cause = details_from_wire(request.event), cause_of(request, context)
        event = await create_event(
            self._events, new_id(), request.event.organizer, details, cause=cause, now=self._now()
        )  # fmt: skip
        return event_to_wire(event)

    async def GetEvent(self, request: pb.GetEventRequest, context: object) -> event_pb2.Event:
        return event_to_wire(await read_event(self._events, request.name, _insider(context)))

    async def ListEvents(self, request: pb.ListEventsRequest, context: object) -> pb.ListEventsResponse:
        after = self._tokens.cursor_of(request)
        page = await self._events.list_page(queries.event_query(request), after, page_size_of(request))
        return pb.ListEventsResponse(
            events=[event_to_wire(each) for each in page.items],
            next_page_token=self._tokens.token_for(request, page.following),
        )

    async def UpdateEvent(self, request: pb.UpdateEventRequest, context: object) -> event_pb2.Event:
        def decide(event: Event) -> Outcome:
            merged = apply_update_mask(event_to_wire(event), request.event, request.update_mask)
            return event.revised(details_from_wire(merged), self._now())

        return event_to_wire(await self._change(request.event.name, decide, request, context, request.event.etag))

    async def DeleteEvent(self, request: pb.DeleteEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.deleted(self._now()), request, context, request.etag
        )  # fmt: skip
        return event_to_wire(event)

    async def PublishEvent(self, request: pb.PublishEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.published(self._now()), request, context, request.etag
        )  # fmt: skip
        return event_to_wire(event)

    async def CancelEvent(self, request: pb.CancelEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.cancelled(request.reason, self._now()), request, context, request.etag
        )
        return event_to_wire(event)

    async def ImportEvents(
        self, request: pb.ImportEventsRequest, context: object
    ) -> AsyncIterator[pb.ImportEventsResponse]:
        cause, now = cause_of(request, context), self._now()
        lines = numbered_lines(request.json_lines)
        if not 0 < len(lines) <= MOST_LINES:
            raise InvalidArgument.of("json_lines", f"must have 1 to {MOST_LINES} lines.")
        prepared: list[Prepared] = []
        problems: list[LineProblem] = []
        unbroken = 0
        for start in range(0, len(lines), CHECKED_AT_ONCE):
            for number, line in lines[start : start + CHECKED_AT_ONCE]:
                unbroken += len(line)
                if unbroken > CHARACTERS_AT_ONCE:
                    unbroken = 0
                    await asyncio.sleep(0)  # others get their turn
                read = read_line(number, line, self._validation)
                made = (
                    read
                    if isinstance(read, list)
                    else prepare(read, new_id(), request.parent, publish=request.publish, now=now)
                )
                if isinstance(made, list):
                    problems += made
                else:
                    prepared.append(made)
            yield pb.ImportEventsResponse(
                total_count=len(lines), checked_count=min(start + CHECKED_AT_ONCE, len(lines))
            )  # fmt: skip
        names = [] if problems or request.validate_only else await import_events(self._events, prepared, cause=cause)
        yield pb.ImportEventsResponse(
            total_count=len(lines),
            checked_count=len(lines),
            imported_count=len(names),
            errors=[
                pb.ImportError(line=each.number, field=each.field, description=each.description)
                for each in problems[:MOST_PROBLEMS]
            ],
            done=True,
            events=names,
        )

    async def CreateTicketType(
        self, request: pb.CreateTicketTypeRequest, context: object
    ) -> ticket_type_pb2.TicketType:
        ticket_type = ticket_type_from_wire(request.parent, new_id(), request.ticket_type)
        event = await self._change(
            request.parent, lambda each: each.with_ticket_type(ticket_type, self._now()), request, context
        )
        return ticket_type_to_wire(event.name, event.ticket_types[-1])

    async def GetTicketType(self, request: pb.GetTicketTypeRequest, context: object) -> ticket_type_pb2.TicketType:
        name, id = ticket_type_parts(request.name)
        event = await read_event(self._events, name, _insider(context))
        return ticket_type_to_wire(event.name, event.ticket_type(id))

    async def ListTicketTypes(self, request: pb.ListTicketTypesRequest, context: object) -> pb.ListTicketTypesResponse:
        event = await read_event(self._events, request.parent, _insider(context))
        items, token = self._slice(event.ticket_types, request)
        return pb.ListTicketTypesResponse(
            ticket_types=[ticket_type_to_wire(event.name, each) for each in items], next_page_token=token
        )

    async def UpdateTicketType(
        self, request: pb.UpdateTicketTypeRequest, context: object
    ) -> ticket_type_pb2.TicketType:
        name, id = ticket_type_parts(request.ticket_type.name, "ticket_type.name")

        def decide(event: Event) -> Outcome:
            current = event.ticket_type(id)
            merged = apply_update_mask(ticket_type_to_wire(name, current), request.ticket_type, request.update_mask)
            check_etag(request.ticket_type.etag, current.revision)
            return event.with_changed_ticket_type(ticket_type_from_wire(name, id, merged), self._now())

        event = await self._change(name, decide, request, context)
        return ticket_type_to_wire(name, event.ticket_type(id))

    async def DeleteTicketType(
        self, request: pb.DeleteTicketTypeRequest, context: object
    ) -> pb.DeleteTicketTypeResponse:
        name, id = ticket_type_parts(request.name)

        def decide(event: Event) -> Outcome:
            check_etag(request.etag, event.ticket_type(id).revision)
            return event.without_ticket_type(id, self._now())

        await self._change(name, decide, request, context)
        return pb.DeleteTicketTypeResponse()

    async def CreateCapacityPool(
        self, request: pb.CreateCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        pool = capacity_pool_from_wire(new_id(), request.capacity_pool)
        event = await self._change(
            request.parent, lambda each: each.with_capacity_pool(pool, self._now()), request, context
        )
        return capacity_pool_to_wire(event.name, event.capacity_pools[-1])

    async def GetCapacityPool(
        self, request: pb.GetCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        name, id = capacity_pool_parts(request.name)
        event = await read_event(self._events, name, _insider(context))
        return capacity_pool_to_wire(event.name, event.capacity_pool(id))

    async def ListCapacityPools(
        self, request: pb.ListCapacityPoolsRequest, context: object
    ) -> pb.ListCapacityPoolsResponse:
        event = await read_event(self._events, request.parent, _insider(context))
        items, token = self._slice(event.capacity_pools, request)
        return pb.ListCapacityPoolsResponse(
            capacity_pools=[capacity_pool_to_wire(event.name, each) for each in items], next_page_token=token
        )

    async def UpdateCapacityPool(
        self, request: pb.UpdateCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        name, id = capacity_pool_parts(request.capacity_pool.name, "capacity_pool.name")

        def decide(event: Event) -> Outcome:
            current = event.capacity_pool(id)
            merged = apply_update_mask(capacity_pool_to_wire(name, current), request.capacity_pool, request.update_mask)
            check_etag(request.capacity_pool.etag, current.revision)
            return event.with_changed_capacity_pool(capacity_pool_from_wire(id, merged), self._now())

        event = await self._change(name, decide, request, context)
        return capacity_pool_to_wire(name, event.capacity_pool(id))

    async def DeleteCapacityPool(
        self, request: pb.DeleteCapacityPoolRequest, context: object
    ) -> pb.DeleteCapacityPoolResponse:
        name, id = capacity_pool_parts(request.name)

        def decide(event: Event) -> Outcome:
            check_etag(request.etag, event.capacity_pool(id).revision)
            return event.without_capacity_pool(id, self._now())

        await self._change(name, decide, request, context)
        return pb.DeleteCapacityPoolResponse()

    async def _change(
        self, name: str, decide: Callable[[Event], Outcome], request: Message, context: object, etag: str = ""
    ) -> Event:
        return await self._events.update(name, decide, etag=etag, cause=cause_of(request, context))

    def _slice(
        self, items: Sequence[Item], request: pb.ListTicketTypesRequest | pb.ListCapacityPoolsRequest
    ) -> tuple[Sequence[Item], str]:
        """A page of parts of one event; the cursor is the place of the next."""
        cursor, size = self._tokens.cursor_of(request), page_size_of(request)
        start = cursor[0] if cursor else 0
        following = (start + size,) if start + size < len(items) else None
        return items[start : start + size], self._tokens.token_for(request, following)


def _insider(context: object) -> Callable[[str], bool]:
    principal = caller_of(context)
    return lambda organizer: allows(principal, Ownership(organizer=organizer), permission="events.read")
