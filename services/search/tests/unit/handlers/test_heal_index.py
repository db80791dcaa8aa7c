"""The index comes back to what is known."""

from collections.abc import AsyncIterator, Callable, Sequence

from search_service.domain.listing import Availability, EventState, Listing
from search_service.handlers.heal_index import heal_index
from search_service.handlers.index_change import index_event
from search_service.outbound.sources import KeptSources
from testkit.projections import MemoryProjection


class Sources(KeptSources):
    def __init__(self) -> None:
        super().__init__(MemoryProjection(), MemoryProjection())

    async def total_revision(self) -> int:
        return sum([each.revision async for page in self.pages() for each in page])


class Index:
    """Keeps revisions by name; None before it is made."""

    def __init__(self, *, made: bool = True) -> None:
        self.revisions: dict[str, int] | None = {} if made else None
        self.away = False

    async def prepare(self, pages: Callable[[], AsyncIterator[Sequence[Listing]]]) -> None:
        self.revisions = {}

    async def put(self, listing: Listing) -> None:
        if self.away:
            raise ConnectionError
        assert self.revisions is not None
        self.revisions[listing.name] = max(listing.revision, self.revisions.get(listing.name, 0))

    async def put_all(self, listings: Sequence[Listing]) -> None:
        for each in listings:
            await self.put(each)

    async def total_revision(self) -> int | None:
        return None if self.revisions is None else sum(self.revisions.values())


async def nothing() -> None:
    return


async def known() -> Sources:
    sources = Sources()
    for number in range(450):
        await sources.follow_event(EventState(f"events/{number:03}", number % 3 + 1, None))
    await sources.follow_availability(Availability("events/007", 5, bookable=True))
    await sources.follow_availability(Availability("events/early", 2, bookable=True))
    return sources


async def test_an_index_that_holds_everything_is_left_alone() -> None:
    sources, index = await known(), Index()
    assert await heal_index(sources, index, nothing)  # type: ignore[arg-type]
    assert index.revisions is not None
    assert len(index.revisions) == 451
    assert not await heal_index(sources, index, nothing)  # type: ignore[arg-type]


async def test_an_index_that_is_gone_is_made_and_filled() -> None:
    sources, index = await known(), Index(made=False)
    assert await heal_index(sources, index, nothing)  # type: ignore[arg-type]
    assert await index.total_revision() == await sources.total_revision()


async def test_one_lost_document_or_one_older_revision_is_noticed() -> None:
    sources, index = await known(), Index()
    await heal_index(sources, index, nothing)  # type: ignore[arg-type]
    assert index.revisions is not None
    del index.revisions["events/300"]
    assert await heal_index(sources, index, nothing)  # type: ignore[arg-type]
    index.revisions["events/300"] = 0
    assert await heal_index(sources, index, nothing)  # type: ignore[arg-type]


async def test_a_crash_between_the_stores_is_made_good_by_a_repeat_or_by_healing() -> None:
    sources, index, event = Sources(), Index(), EventState("events/a", 1, None)
    index.away = True
    try:
        await index_event(sources, index, event)  # type: ignore[arg-type]
    except ConnectionError:
        index.away = False
    await index_event(sources, index, event)  # type: ignore[arg-type]
    assert index.revisions == {"events/a": 1}
    index.revisions = {}
    assert await heal_index(sources, index, nothing)  # type: ignore[arg-type]
    assert index.revisions == {"events/a": 1}


async def test_what_is_on_its_way_is_waited_for() -> None:
    sources, index = Sources(), Index()
    await sources.follow_event(EventState("events/a", 1, None))

    async def arrive() -> None:
        await index.put(await sources.listing("events/a"))

    assert not await heal_index(sources, index, arrive)  # type: ignore[arg-type]
