"""Remember what one of the sources says and show it."""

from search_service.domain.listing import Availability, EventState
from search_service.domain.ports import EventIndex, Sources


async def index_event(sources: Sources, index: EventIndex, event: EventState) -> None:
    """Repeating it, also after a crash in the middle, ends the same way."""
    await sources.follow_event(event)
    await show(sources, index, event.name)


async def index_availability(sources: Sources, index: EventIndex, availability: Availability) -> None:
    """Repeating it, also after a crash in the middle, ends the same way."""
    await sources.follow_availability(availability)
    await show(sources, index, availability.event)


async def show(sources: Sources, index: EventIndex, event: str) -> None:
    """Index what is known now. Whoever writes last reads both sources, so the latest revision always gets there."""
    await index.put(await sources.listing(event))
