"""What handlers need of the two stores."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain_kit.money import Money
from search_service.domain.listing import Availability, EventState, Listing, Place
from search_service.domain.query import SearchQuery


class Sources(Protocol):
    """The newest state of each source, kept for good."""

    async def follow_event(self, event: EventState) -> None:
        """Remember it unless as new a one is known."""

    async def follow_availability(self, availability: Availability) -> None:
        """Remember it unless as new a one is known."""

    async def listing(self, event: str) -> Listing:
        """All that is known of an event."""

    def pages(self) -> AsyncIterator[Sequence[Listing]]:
        """All listings, some hundred at a time."""

    async def total_revision(self) -> int:
        """Sum of the revisions of all listings."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event that matches. `distance_meters` is from the centre asked for."""

    name: str
    organizer: str
    title: str
    title_highlight: str
    description_highlights: tuple[str, ...]
    start_time: datetime
    end_time: datetime
    time_zone: str
    place: Place
    online: bool
    category: str
    price_from: Money | None
    available: bool
    distance_meters: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """How many of all that match have each value of a property."""

    property: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: the view of the index the pages before came from, and the last one's sort values."""

    view: str
    after: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page; `following` is None on the last."""

    found: tuple[Found, ...]
    total: int
    facets: tuple[Facet, ...]
    following: Cursor | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`kind` is `title`, `category` or `city`; `event` the event of a title."""

    text: str
    kind: str
    event: str = ""


class EventIndex(Protocol):
    """The listings, made to be found. It may lose some, or all; `Sources` loses nothing."""

    async def prepare(self, pages: Callable[[], AsyncIterator[Sequence[Listing]]]) -> None:
        """Make it where it is missing. One of another generation goes on answering until its successor is filled."""

    async def put(self, listing: Listing) -> None:
        """Show it, or hide one without details, unless as late a revision is there; searches see it soon after."""

    async def put_all(self, listings: Sequence[Listing]) -> None:
        """The same for many."""

    async def total_revision(self) -> int | None:
        """Sum of the revisions it holds; None when it has to be made first."""

    async def search(self, query: SearchQuery, *, cursor: Cursor | None, limit: int) -> SearchPage:
        """A page of what matches; `query.start_after` is set."""

    async def suggest(self, prefix: str, *, start_after: datetime, limit: int) -> Sequence[Suggestion]:
        """What begins with the folded `prefix`, best first, of events that begin at or after an instant."""
