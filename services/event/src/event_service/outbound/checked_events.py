"""Events in MongoDB that are not put on sale in a currency that nobody takes."""

from collections.abc import Sequence

from domain_kit.repository import Cause, Decide, DomainEvent
from event_service.domain.event import Event
from event_service.handlers.check_currencies import Takings, changed, new_ones
from event_service.outbound.repositories import MongoEvents
from mongo_store import Journal


class CheckedEvents(MongoEvents):
    """event_service.domain.ports.EventRepository."""

    def __init__(self, journal: Journal, takings: Takings) -> None:
        super().__init__(journal)
        self._takings = takings

    async def update(self, name: str, decide: Decide[Event], *, etag: str = "", cause: Cause) -> Event:
        """As MongoEvents; FailedPrecondition CURRENCY_NOT_TAKEN."""

        async def change(wanted: Decide[Event]) -> Event:
            return await super(CheckedEvents, self).update(name, wanted, etag=etag, cause=cause)

        return await changed(self._takings, change, decide)

    async def create_all(self, events: Sequence[tuple[Event, Sequence[DomainEvent]]], *, cause: Cause) -> Sequence[str]:
        """As MongoEvents; FailedPrecondition CURRENCY_NOT_TAKEN."""
        return await super().create_all(await new_ones(self._takings, events), cause=cause)
