"""The five rpcs of each kind of part of an event: ticket types, pools, dates, questions, discounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import NotFound
from event_service.domain.event import Event, Outcome
from event_service.domain.offer import KINDS, Part
from event_service.domain.ports import EventRepository
from event_service.domain.public_view import public_part
from event_service.handlers.read_event import read_event
from event_service.inbound.readers import insider
from event_service.wire.names import parts
from grpc_runtime import cause_of
from resource_api import PageTokens, ResourceName, apply_update_mask, check_etag, page_size_of

P = TypeVar("P", bound=Part)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Mapping(Generic[P, M]):
    """One kind of part on the wire. to_wire: event name and part; from_wire: event name, id and message.

    unlisted: what of a part that is not public is told to who knows its name.
    """

    kind: type[P]
    name: ResourceName
    to_wire: Callable[[str, P], M]
    from_wire: Callable[[str, str, M], P]
    unlisted: Callable[[P], P | None] = lambda _: None


class Parts(Generic[P, M]):
    """Create, get, list, update, delete. Requests are those of the contract: alike but for the field with the part."""

    def __init__(self, mapping: Mapping[P, M], events: EventRepository, tokens: PageTokens, clock: Clock) -> None:
        self._map, self._events, self._tokens, self._now = mapping, events, tokens, clock
        self._field = KINDS[mapping.kind].reason.lower()

    async def create(self, request: Any, context: object) -> M:
        """The new part."""
        part = self._map.from_wire(request.parent, new_id(), getattr(request, self._field))
        event = await self._change(
            request.parent, lambda each: each.with_part(part, self._now()), request, context
        )  # fmt: skip
        return self._map.to_wire(event.name, event.offer.all_of(self._map.kind)[-1])

    async def get(self, request: Any, context: object) -> M:
        """One part, visible as its event is, as far as `public_part` says."""
        is_insider, (name, id) = insider(context), self._parsed(request.name, "name")
        event = await read_event(self._events, name, is_insider)
        part = event.part(self._map.kind, id)
        if is_insider(event.organizer):
            return self._map.to_wire(name, part)
        shown = public_part(event.offer, part) or self._map.unlisted(part)
        if shown is None:
            raise NotFound.named(request.name)
        return self._map.to_wire(name, shown)

    async def page(
        self, request: Any, context: object, *, public: Callable[[P], bool] = lambda _: True
    ) -> tuple[list[M], str]:
        """Some parts and the token of the next page; for others than insiders those that are `public`, as `public_part`
        shows them.

        The cursor is the place of the next one.
        """
        is_insider = insider(context)
        event = await read_event(self._events, request.parent, is_insider)
        all_of = event.offer.all_of(self._map.kind)
        seen: Sequence[P] = all_of
        if not is_insider(event.organizer):
            told = (public_part(event.offer, each) for each in all_of if public(each))
            seen = [each for each in told if each is not None]
        cursor, size = self._tokens.cursor_of(request), page_size_of(request)
        start = cursor[0] if cursor else 0
        following = (start + size,) if start + size < len(seen) else None
        page = [self._map.to_wire(event.name, each) for each in seen[start : start + size]]
        return page, self._tokens.token_for(request, following)

    async def update(self, request: Any, context: object) -> M:
        """The part as it is now."""
        patch: M = getattr(request, self._field)
        given: Any = patch
        name, id = self._parsed(given.name, f"{self._field}.name")

        def decide(event: Event) -> Outcome:
            current = event.part(self._map.kind, id)
            merged = apply_update_mask(self._map.to_wire(name, current), patch, request.update_mask)
            check_etag(given.etag, current.revision)
            return event.with_changed_part(self._map.from_wire(name, id, merged), self._now())

        event = await self._change(name, decide, request, context)
        return self._map.to_wire(name, event.part(self._map.kind, id))

    async def delete(self, request: Any, context: object) -> None:
        """The part is gone."""
        name, id = self._parsed(request.name, "name")

        def decide(event: Event) -> Outcome:
            check_etag(request.etag, event.part(self._map.kind, id).revision)
            return event.without_part(self._map.kind, id, self._now())

        await self._change(name, decide, request, context)

    def _parsed(self, name: str, field: str) -> tuple[str, str]:
        """Event name and id; InvalidArgument NAME_INVALID."""
        self._map.name.parse(name, field=field)
        return parts(name)

    async def _change(
        self, name: str, decide: Callable[[Event], Outcome], request: Message, context: object
    ) -> Event:  # fmt: skip
        return await self._events.update(name, decide, cause=cause_of(request, context))
