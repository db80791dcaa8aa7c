"""Domain events that this process has just committed, so that its relay need not read them back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain_kit.backbone import OutboxEvent
from mongo_store.rows import events_of

MOST_EVENTS, MOST_BYTES = 2048, 8 << 20
Where = tuple[str, int]  # row and index of an OutboxEvent


class RecentEvents:
    """The newest ones, as the store would give them; where no relay of this process takes them the oldest go.

    Only what is known to be committed is added: of a commit with an unknown outcome the relay reads what there is.
    """

    def __init__(self, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_events, self._most_bytes, self._bytes = most_events, most_bytes, 0
        self._events: dict[Where, OutboxEvent] = {}
        self.complete = True  # whether nothing had to go since that was last set

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The domain events of rows that have been committed."""
        for row in rows:
            for event in events_of({**row, "at": _as_stored(row["at"])}):
                self._events[event.row, event.index] = event
                self._bytes += len(event.payload)
        while len(self._events) > self._most_events or self._bytes > self._most_bytes:
            self._bytes -= len(self._events.pop(next(iter(self._events))).payload)
            self.complete = False

    def places(self) -> list[Where]:
        """Of all that are remembered, in the order of their commits."""
        return list(self._events)

    def known(self, wanted: Iterable[Where]) -> dict[Where, OutboxEvent]:
        """Those of them that are remembered."""
        return {each: self._events[each] for each in wanted if each in self._events}

    def forget(self, published: Iterable[Where]) -> None:
        """They have been published."""
        for each in published:
            event = self._events.pop(each, None)
            self._bytes -= 0 if event is None else len(event.payload)


def _as_stored(time: datetime) -> datetime:
    """BSON has milliseconds."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
