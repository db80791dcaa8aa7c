"""What handlers need of storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain_kit.repository import Cause, DomainEvent, Page, Repository
from event_service.domain.event import Event, State


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events of an organizer and in which order.

    states: those wanted, possibly none. Bounds on `category` and `start_time` are (operator, value) pairs; all hold.
    """

    organizer: str
    states: tuple[State, ...] = tuple(State)
    category_bounds: tuple[tuple[str, str], ...] = ()
    start_bounds: tuple[tuple[str, datetime], ...] = ()
    order: tuple[tuple[str, int], ...] = (("create_time", -1),)


class EventRepository(Repository[Event], Protocol):
    """Events by name, and those of one organizer in pages."""

    async def list_page(self, query: EventQuery, after: tuple[Any, ...] | None, limit: int) -> Page[Event]:
        """At most `limit` events after the cursor."""

    async def create_all(self, events: Sequence[tuple[Event, Sequence[DomainEvent]]], *, cause: Cause) -> Sequence[str]:
        """Store many new events in one commit, all or none; their names. Repeating the cause answers the same names."""
