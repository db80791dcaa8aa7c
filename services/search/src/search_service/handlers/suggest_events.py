"""Complete what somebody types."""

from collections.abc import Sequence
from datetime import datetime

from search_service.domain.folding import key_of
from search_service.domain.ports import EventIndex, Suggestion


async def suggest_events(index: EventIndex, prefix: str, *, limit: int, now: datetime) -> Sequence[Suggestion]:
    """At most `limit`, best first, of events to come; nothing for a prefix without letters and digits."""
    key = key_of(prefix)
    return await index.suggest(key, start_after=now, limit=limit) if key else []
