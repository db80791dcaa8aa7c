"""The rpcs of the search service: parse, handle, encode."""

from collections.abc import Callable, Sequence
from datetime import datetime

from domain_kit.clock import Clock, utc_now
from resource_api import PageTokens, page_size_of
from resource_api.page_tokens import Cursor as TokenCursor
from search_service.domain.ports import Cursor, EventIndex
from search_service.handlers.search_events import search_events
from search_service.handlers.suggest_events import suggest_events
from search_service.inbound.messages import facet_message, hit_message, query_of, suggestion_message
from usher.search.v1 import search_service_pb2 as pb
from usher.search.v1.search_service_pb2_grpc import SearchServiceServicer

SUGGESTIONS, MOST_SUGGESTIONS = 10, 50


class SearchServicer(SearchServiceServicer):
    """usher.search.v1.SearchService. searched, suggested: told "found" or "empty" of each first page."""

    def __init__(
        self,
        index: EventIndex,
        page_tokens: PageTokens,
        clock: Clock = utc_now,
        *,
        searched: Callable[[str], None] = lambda _: None,
        suggested: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._index, self._tokens, self._now = index, page_tokens, clock
        self._searched, self._suggested = searched, suggested

    async def SearchEvents(self, request: pb.SearchEventsRequest, context: object) -> pb.SearchEventsResponse:
        now, cursor = self._continued(self._tokens.cursor_of(request))
        query, limit = query_of(request), page_size_of(request)
        page = await search_events(self._index, query, cursor=cursor, limit=limit, now=now)
        if cursor is None:
            self._searched(_outcome(page.found))
        following = (now, page.following.view, *page.following.after) if page.following else None
        return pb.SearchEventsResponse(
            hits=[hit_message(each) for each in page.found],
            next_page_token=self._tokens.token_for(request, following),
            total_size=page.total,
            facets=[facet_message(each) for each in page.facets],
        )

    async def SuggestEvents(self, request: pb.SuggestEventsRequest, context: object) -> pb.SuggestEventsResponse:
        limit = min(request.max_results or SUGGESTIONS, MOST_SUGGESTIONS)
        suggestions = await suggest_events(self._index, request.prefix, limit=limit, now=self._now())
        self._suggested(_outcome(suggestions))
        return pb.SuggestEventsResponse(suggestions=[suggestion_message(each) for each in suggestions])

    def _continued(self, token: TokenCursor | None) -> tuple[datetime, Cursor | None]:
        """The moment of the first page, which all pages share, and where this one begins."""
        if token is None:
            return self._now(), None
        now, view, *after = token
        return now, Cursor(view, tuple(after))


def _outcome(found: Sequence[object]) -> str:
    return "found" if found else "empty"
