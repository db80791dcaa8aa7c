"""Find published events."""

from dataclasses import replace
from datetime import datetime

from search_service.domain.ports import Cursor, EventIndex, SearchPage
from search_service.domain.query import SearchQuery, check_query


async def search_events(
    index: EventIndex, query: SearchQuery, *, cursor: Cursor | None, limit: int, now: datetime
) -> SearchPage:
    """A page of what matches. `now` is the moment of the first page; InvalidArgument QUERY_INVALID."""
    check_query(query)
    return await index.search(replace(query, start_after=query.start_after or now), cursor=cursor, limit=limit)
