"""Bring the index back to what is known, after it lost documents or a crash between the two stores."""

from collections.abc import Awaitable, Callable

from search_service.domain.ports import EventIndex, Sources


async def heal_index(sources: Sources, index: EventIndex, let_arrive: Callable[[], Awaitable[None]]) -> bool:
    """Whether anything had to be done.

    Revisions only grow, on both sides, and none is higher in the index; so equal sums mean that nothing is missing.
    `let_arrive` waits until what is on its way between the two reads has become visible.
    """
    known = await sources.total_revision()
    await let_arrive()
    held = await index.total_revision()
    if held is None:
        await index.prepare(sources.pages)
    elif held >= known:
        return False
    await fill_index(sources, index)
    return True


async def fill_index(sources: Sources, index: EventIndex) -> None:
    """Index everything; what is there with its revision already stays as it is."""
    async for page in sources.pages():
        await index.put_all(page)
