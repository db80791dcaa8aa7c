"""Make many events at once, all or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain_kit.refusals import InvalidArgument, Refusal
from domain_kit.repository import Cause, DomainEvent
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.details import EventDetails, check_details
from event_service.domain.event import Event, draft
from event_service.domain.offer import KINDS, Part
from event_service.domain.ports import EventRepository
from event_service.domain.ticket_type import TicketType


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One event of an import with what is sold for it. `number` is that of its line, from 1."""

    number: int
    details: EventDetails
    capacity_pools: tuple[CapacityPool, ...]
    ticket_types: tuple[TicketType, ...]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with one line; `field` is empty when it is the line as a whole."""

    number: int
    field: str
    description: str


Prepared = tuple[Event, Sequence[DomainEvent]]


def prepare(line: ImportLine, id: str, organizer: str, *, publish: bool, now: datetime) -> Prepared | list[LineProblem]:
    """The event of a line with its domain events, or all that is wrong with it."""
    try:
        check_details(line.details, now)
        event, domain_events = draft(f"events/{id}", organizer, line.details, now)
        # The domain event of the draft carries the state after all of this, so sale items need none of their own.
        parts: tuple[Part, ...] = (*line.capacity_pools, *line.ticket_types)
        for part in parts:
            if event.offer.find(type(part), part.id) is not None:
                raise InvalidArgument.of(KINDS[type(part)].field, f"has id {part.id!r} twice.")
            event, _ = event.with_part(part, now)
        if publish:
            event, published = event.published(now)
            domain_events = [*domain_events, *published]
    except Refusal as refusal:
        if refusal.violations:
            return [LineProblem(line.number, each.field, each.description) for each in refusal.violations]
        return [LineProblem(line.number, "", refusal.message)]
    return event, domain_events


async def import_events(events: EventRepository, prepared: Sequence[Prepared], *, cause: Cause) -> Sequence[str]:
    """Names of the stored events, in order; nothing is stored unless all are."""
    return await events.create_all(prepared, cause=cause)
