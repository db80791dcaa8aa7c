"""Listings in Elasticsearch."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial

from elastic_store import (
    BulkResult,
    BulkWrite,
    ElasticRefused,
    ElasticUnavailable,
    Found,
    Index,
    IndexMissing,
    Outcome,
    PointInTimeGone,
    Put,
)
from mongo_store.gathering import Gathering, Waiting
from search_service.domain.listing import Listing
from search_service.domain.ports import Cursor, SearchPage, Suggestion
from search_service.domain.query import SearchQuery
from search_service.outbound.answers import facets_of, found_of, suggestions_of
from search_service.outbound.bodies import Body, search_body, sort_of, suggest_body
from search_service.outbound.mapping import index_document
from search_service.outbound.views import KEEP_ALIVE, Views

log = logging.getLogger(__name__)

Pages = Callable[[], AsyncIterator[Sequence[Listing]]]
TOTAL: Body = {"size": 0, "aggs": {"revisions": {"sum": {"field": "revision"}}}}
ATTEMPTS = 5
TOGETHER = 100  # listings in one request, when as many come at once


class ElasticEventIndex:
    """search_service.domain.ports.EventIndex."""

    def __init__(self, index: Index, views: Views) -> None:
        self._index, self._views = index, views
        self._gathering = Gathering(self._flush, lambda write: frozenset({write.id}), limit=TOGETHER)

    async def prepare(self, pages: Pages) -> None:
        """Make the index and its alias. An index of an older generation answers until the new one is filled."""
        await self._index.ensure(fill=partial(_fill, pages))

    async def make(self, pages: Pages) -> Sequence[str]:
        """The same, but one of an older generation goes on answering; what was done, a line each."""
        return await self._index.make(fill=partial(_fill, pages))

    async def put(self, listing: Listing) -> None:
        """Show or hide it; an older revision than the one there changes nothing. Concurrent ones share a request."""
        await self._gathering.submit(_put(listing))

    async def put_all(self, listings: Sequence[Listing]) -> None:
        """The same for many; one that Elasticsearch refuses is logged and left out."""
        await _write_all(self._index.bulk, listings)

    async def total_revision(self) -> int | None:
        """Sum of the revisions it holds; None without an index."""
        try:
            found = await self._index.search(TOTAL)
        except IndexMissing:
            return None
        return int(found.aggregations["revisions"]["value"])

    async def search(self, query: SearchQuery, *, cursor: Cursor | None, limit: int) -> SearchPage:
        """A page of what matches."""
        body = search_body(query, cursor.after if cursor else (), limit + 1)
        found, view = await self._search_in_view(body, cursor.view if cursor else "")
        hits = found.hits[:limit]
        # Elasticsearch adds a tie-breaker of its own, which means nothing in another view.
        after = hits[-1].sort[: len(sort_of(query))] if len(found.hits) > limit else ()
        return SearchPage(
            found=tuple(found_of(hit, query) for hit in hits),
            total=found.total,
            facets=facets_of(found.aggregations),
            following=Cursor(view, after) if after else None,
        )

    async def suggest(self, prefix: str, *, start_after: datetime, limit: int) -> Sequence[Suggestion]:
        """What begins with the folded `prefix`."""
        found = await self._index.search(suggest_body(prefix, start_after, limit))
        return suggestions_of(prefix, found.hits, found.aggregations, limit)

    async def _flush(self, batch: Sequence[Waiting[Put]]) -> None:
        results = await self._index.bulk([waiting.work for waiting in batch])
        for waiting, result in zip(batch, results, strict=True):
            waiting.settle(_trouble(result))

    async def _search_in_view(self, body: Body, view: str) -> tuple[Found, str]:
        """In `view`, or a new one when there is none or the server has forgotten it; with the id to go on with."""
        view = view or await self._views.current()
        try:
            found = await self._index.search(_in(view, body))
        except PointInTimeGone:
            self._views.forget(view)
            view = await self._views.current()
            found = await self._index.search(_in(view, body))
        return found, found.pit or view


async def _fill(pages: Pages, write: BulkWrite) -> None:
    async for page in pages():
        await _write_all(write, page)


async def _write_all(write: BulkWrite, listings: Sequence[Listing]) -> None:
    left = [_put(each) for each in listings]
    for attempt in range(ATTEMPTS):
        results = await write(left)
        for result in results:
            if result.outcome is Outcome.REFUSED:
                log.error("a listing was refused", extra={"event_name": result.id, "reason": result.reason})
        busy = {result.id for result in results if result.outcome is Outcome.BUSY}
        left = [each for each in left if each.id in busy]
        if not left:
            return
        await asyncio.sleep(0.1 * 2**attempt)
    raise ElasticUnavailable(f"{len(left)} listings were not taken")


def _trouble(result: BulkResult) -> Exception | None:
    if result.outcome is Outcome.BUSY:
        return ElasticUnavailable(result.reason)
    if result.outcome is Outcome.REFUSED:
        kind, _, message = result.reason.partition(": ")
        return ElasticRefused(kind, message)
    return None


def _put(listing: Listing) -> Put:
    return Put(listing.name, index_document(listing), listing.revision)


def _in(view: str, body: Body) -> Body:
    return {**body, "pit": {"id": view, "keep_alive": KEEP_ALIVE}}
