"""The event aggregate: its life and what is sold for it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum

from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound
from domain_kit.repository import DomainEvent
from domain_kit.state_table import StateTable
from event_service.domain import domain_events as facts
from event_service.domain.details import EventDetails, check_details
from event_service.domain.offer import KINDS, NOTHING_SOLD, Offer, P, Part
from event_service.domain.seating import SeatingPlan
from event_service.domain.ticket_type import TicketType


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
_FEE, _PRICE = "event.booking_terms.service_fee.fixed.currency_code", "ticket_type.price.currency_code"


@dataclass(frozen=True, slots=True)
class Event:
    """An event with all that is sold for it; they change together and are one history."""

    name: str
    organizer: str
    details: EventDetails
    create_time: datetime
    update_time: datetime
    state: State = State.DRAFT
    offer: Offer = NOTHING_SOLD
    publish_time: datetime | None = None
    cancel_time: datetime | None = None
    cancel_reason: str = ""
    delete_time: datetime | None = None
    unchecked: tuple[str, ...] = ()
    version: int = 0

    @property
    def charged(self) -> frozenset[str]:
        """Currencies that buyers may owe in; none where all is free."""
        types, fee = self.offer.ticket_types, self.details.booking_terms.service_fee.fixed
        prices = [fee, *(each.price for each in types), *(phase.price for each in types for phase in each.price_phases)]
        owed = {each.currency for each in prices if each}
        return frozenset({*owed, *(each.currency_code for each in self.details.offered_currencies)} if owed else ())

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
        check_details(details, now)
        _check_currency(details, self.offer, "EVENT_INVALID", "event.currency_code", _FEE)
        return replace(self, details=details, update_time=now), [facts.EventUpdated(changed)]

    def published(self, now: datetime) -> Outcome:
        """Visible to the public; TICKET_TYPE_MISSING, EVENT_OVER. Publishing twice changes nothing."""
        if self.state is State.PUBLISHED:
            return self, []
        state = LIFE.after(self.state, Action.PUBLISH)
        if not self.offer.ticket_types:
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

    def part(self, kind: type[P], id: str) -> P:
        """One of its parts, `event.part(TicketType, id)`; NotFound by its full name."""
        found = self.offer.find(kind, id)
        if found is None:
            raise NotFound.named(f"{self.name}/{KINDS[kind].collection}/{id}")
        return found

    def with_part(self, part: Part, now: datetime) -> Outcome:
        """One part more, such as a ticket type or a pool."""
        LIFE.after(self.state, Action.UPDATE)
        return self._offering(self.offer.with_added(part), KINDS[type(part)].created(part.id), now)

    def with_changed_part(self, part: Part, now: datetime) -> Outcome:
        """A part in another form; NotFound."""
        LIFE.after(self.state, Action.UPDATE)
        self.part(type(part), part.id)
        return self._offering(self.offer.with_changed(part), KINDS[type(part)].changed(part.id), now)

    def without_part(self, kind: type[Part], id: str, now: datetime) -> Outcome:
        """A part less; NotFound, TICKET_TYPE_LAST for the only ticket type of a published event."""
        LIFE.after(self.state, Action.UPDATE)
        self.part(kind, id)
        last = kind is TicketType and len(self.offer.ticket_types) == 1
        if last and self.state is State.PUBLISHED:
            raise FailedPrecondition("TICKET_TYPE_LAST", "A published event keeps at least one ticket type.")
        return self._offering(self.offer.without(kind, id, self.name), KINDS[kind].deleted(id), now)

    def with_seating_plan(self, plan: SeatingPlan, now: datetime) -> Outcome:
        """With other seats; a plan without sections removes them."""
        LIFE.after(self.state, Action.UPDATE)
        return self._offering(self.offer.with_seating_plan(plan, self.name), facts.SeatingPlanChanged(), now)

    def _offering(self, offer: Offer, fact: DomainEvent, now: datetime) -> Outcome:
        if offer is self.offer:
            return self, []
        _check_currency(self.details, offer, "TICKET_TYPE_INVALID", _PRICE, _PRICE)
        return replace(self, offer=offer, update_time=now), [fact]


def draft(name: str, organizer: str, details: EventDetails, now: datetime) -> Outcome:
    """A new event that only its organizer sees."""
    check_details(details, now)
    _check_currency(details, NOTHING_SOLD, "EVENT_INVALID", _FEE, _FEE)
    return Event(name, organizer, details, create_time=now, update_time=now), [facts.EventCreated()]


def _check_currency(details: EventDetails, offer: Offer, reason: str, of_event: str, of_fee: str) -> None:
    """InvalidArgument unless what is sold and the service fee are in the event's currency and that of each other.

    of_event, of_fee: the field to blame where a price is in another currency than the event, or than the fee.
    """
    own, fee = details.currency_code, details.booking_terms.service_fee.fixed
    if own and fee is not None and fee.currency != own:
        raise InvalidArgument.of(_FEE, f"must be {own}, the event's currency.", reason="EVENT_INVALID")
    for each in offer.ticket_types:
        if each.price is None:
            continue
        if own and each.price.currency != own:
            what = f"The event is sold in {own}, the price of {each.display_name!r} is in {each.price.currency}."
            raise InvalidArgument.of(of_event, what, reason=reason)
        if fee is not None and each.price.currency != fee.currency:
            what = f"The service fee is in {fee.currency}, the price of {each.display_name!r} in {each.price.currency}."
            raise InvalidArgument.of(of_fee, what, reason=reason)
