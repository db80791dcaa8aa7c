"""The event aggregate: its life and what is sold for it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import TypeVar

from domain_kit.refusals import FailedPrecondition, NotFound, ResourceExhausted
from domain_kit.repository import DomainEvent
from domain_kit.state_table import StateTable
from event_service.domain import domain_events as facts
from event_service.domain.details import EventDetails, check_details
from event_service.domain.offer import (
    MOST_PER_EVENT,
    CapacityPool,
    TicketType,
    check_capacity_pool,
    check_ticket_type,
)


class State(Enum):
    """Where an event stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"


class Action(Enum):
    """What can be done to an event."""

    UPDATE = "UPDATE"
    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"
    DELETE = "DELETE"


LIFE = StateTable(
    "event",
    {
        (State.DRAFT, Action.UPDATE): State.DRAFT,
        (State.DRAFT, Action.PUBLISH): State.PUBLISHED,
        (State.DRAFT, Action.CANCEL): State.CANCELLED,
        (State.DRAFT, Action.DELETE): State.DELETED,
        (State.PUBLISHED, Action.UPDATE): State.PUBLISHED,
        (State.PUBLISHED, Action.CANCEL): State.CANCELLED,
        (State.CANCELLED, Action.DELETE): State.DELETED,
    },
)

Outcome = tuple["Event", Sequence[DomainEvent]]
Item = TypeVar("Item", TicketType, CapacityPool)


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its ticket types and capacity pools; they change together and are one history."""

    name: str
    organizer: str
    details: EventDetails
    create_time: datetime
    update_time: datetime
    state: State = State.DRAFT
    ticket_types: tuple[TicketType, ...] = ()
    capacity_pools: tuple[CapacityPool, ...] = ()
    publish_time: datetime | None = None
    cancel_time: datetime | None = None
    cancel_reason: str = ""
    delete_time: datetime | None = None
    version: int = 0

    def revised(self, details: EventDetails, now: datetime) -> Outcome:
        """With other details; no domain event when nothing differs."""
        LIFE.after(self.state, Action.UPDATE)
        changed = tuple(
            each.name
            for each in fields(EventDetails)
            if getattr(details, each.name) != getattr(self.details, each.name)
        )
        if not changed:
            return self, []
        check_details(details)
        return replace(self, details=details, update_time=now), [facts.EventUpdated(changed)]

    def published(self, now: datetime) -> Outcome:
        """Visible to the public; TICKET_TYPE_MISSING, EVENT_OVER. Publishing twice changes nothing."""
        if self.state is State.PUBLISHED:
            return self, []
        state = LIFE.after(self.state, Action.PUBLISH)
        if not self.ticket_types:
            raise FailedPrecondition("TICKET_TYPE_MISSING", "An event needs a ticket type before it is published.")
        if self.details.end_time is not None and self.details.end_time <= now:
            raise FailedPrecondition("EVENT_OVER", "An event that is over cannot be published.")
        return replace(self, state=state, publish_time=now, update_time=now), [facts.EventPublished()]

    def cancelled(self, reason: str, now: datetime) -> Outcome:
        """Called off. Cancelling twice changes nothing."""
        if self.state is State.CANCELLED:
            return self, []
        state = LIFE.after(self.state, Action.CANCEL)
        cancelled = replace(self, state=state, cancel_time=now, cancel_reason=reason, update_time=now)
        return cancelled, [facts.EventCancelled(reason)]

    def deleted(self, now: datetime) -> Outcome:
        """Gone for the public; the record stays. Deleting twice changes nothing."""
        if self.state is State.DELETED:
            return self, []
        state = LIFE.after(self.state, Action.DELETE)
        return replace(self, state=state, delete_time=now, update_time=now), [facts.EventDeleted()]

    def ticket_type(self, id: str) -> TicketType:
        """One of its ticket types; NotFound."""
        return _one(self.ticket_types, id, f"{self.name}/ticketTypes/{id}")

    def capacity_pool(self, id: str) -> CapacityPool:
        """One of its pools; NotFound."""
        return _one(self.capacity_pools, id, f"{self.name}/capacityPools/{id}")

    def with_ticket_type(self, ticket_type: TicketType, now: datetime) -> Outcome:
        """One more thing to sell."""
        LIFE.after(self.state, Action.UPDATE)
        _room(self.ticket_types, "TICKET_TYPES_TOO_MANY")
        check_ticket_type(ticket_type, self.capacity_pools)
        changed = replace(self, ticket_types=(*self.ticket_types, ticket_type), update_time=now)
        return changed, [facts.TicketTypeCreated(ticket_type.id)]

    def with_changed_ticket_type(self, ticket_type: TicketType, now: datetime) -> Outcome:
        """Another form of a ticket type."""
        LIFE.after(self.state, Action.UPDATE)
        former = self.ticket_type(ticket_type.id)
        if replace(ticket_type, revision=former.revision) == former:
            return self, []
        check_ticket_type(ticket_type, self.capacity_pools)
        changed = replace(ticket_type, revision=former.revision + 1)
        types = tuple(changed if each.id == changed.id else each for each in self.ticket_types)
        return replace(self, ticket_types=types, update_time=now), [facts.TicketTypeChanged(changed.id)]

    def without_ticket_type(self, id: str, now: datetime) -> Outcome:
        """No longer sold; TICKET_TYPE_LAST for the only one of a published event."""
        LIFE.after(self.state, Action.UPDATE)
        self.ticket_type(id)
        if self.state is State.PUBLISHED and len(self.ticket_types) == 1:
            raise FailedPrecondition("TICKET_TYPE_LAST", "A published event keeps at least one ticket type.")
        types = tuple(each for each in self.ticket_types if each.id != id)
        return replace(self, ticket_types=types, update_time=now), [facts.TicketTypeDeleted(id)]

    def with_capacity_pool(self, pool: CapacityPool, now: datetime) -> Outcome:
        """One more pool."""
        LIFE.after(self.state, Action.UPDATE)
        _room(self.capacity_pools, "CAPACITY_POOLS_TOO_MANY")
        check_capacity_pool(pool)
        changed = replace(self, capacity_pools=(*self.capacity_pools, pool), update_time=now)
        return changed, [facts.CapacityPoolCreated(pool.id)]

    def with_changed_capacity_pool(self, pool: CapacityPool, now: datetime) -> Outcome:
        """Another form of a pool."""
        LIFE.after(self.state, Action.UPDATE)
        former = self.capacity_pool(pool.id)
        if replace(pool, revision=former.revision) == former:
            return self, []
        check_capacity_pool(pool)
        changed = replace(pool, revision=former.revision + 1)
        pools = tuple(changed if each.id == changed.id else each for each in self.capacity_pools)
        return replace(self, capacity_pools=pools, update_time=now), [facts.CapacityPoolChanged(changed.id)]

    def without_capacity_pool(self, id: str, now: datetime) -> Outcome:
        """Removed; CAPACITY_POOL_IN_USE while a ticket type draws on it."""
        LIFE.after(self.state, Action.UPDATE)
        self.capacity_pool(id)
        users = [each.id for each in self.ticket_types if id in each.pools]
        if users:
            raise FailedPrecondition(
                "CAPACITY_POOL_IN_USE",
                "Ticket types draw on this pool.",
                metadata={"ticket_types": ",".join(f"{self.name}/ticketTypes/{user}" for user in users)},
            )
        pools = tuple(each for each in self.capacity_pools if each.id != id)
        return replace(self, capacity_pools=pools, update_time=now), [facts.CapacityPoolDeleted(id)]


def draft(name: str, organizer: str, details: EventDetails, now: datetime) -> Outcome:
    """A new event that only its organizer sees."""
    check_details(details)
    return Event(name, organizer, details, create_time=now, update_time=now), [facts.EventCreated()]


def _one(items: tuple[Item, ...], id: str, name: str) -> Item:
    for each in items:
        if each.id == id:
            return each
    raise NotFound.named(name)


def _room(items: tuple[Item, ...], reason: str) -> None:
    if len(items) >= MOST_PER_EVENT:
        raise ResourceExhausted(reason, f"An event has at most {MOST_PER_EVENT}.")
