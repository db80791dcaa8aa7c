"""Tells the streams of this process what gates count: at once what its own lanes commit, soon what others do."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from booking_service.domain.list_tally import ListTally
from booking_service.domain.records import Record
from booking_service.outbound.check_ins import tallies_of
from booking_service.outbound.shelf import Finder
from domain_kit.refusals import Unavailable


@dataclass(slots=True)
class _Topic:
    """One event that somebody watches. tallies: by name; None before the first look."""

    tallies: dict[str, ListTally] | None = None
    bells: set[asyncio.Event] = field(default_factory=set)

    def take(self, tallies: Iterable[ListTally]) -> None:
        """What is newer than what is known; the bells ring if anything is."""
        first, known = self.tallies is None, self.tallies or {}
        newer = {
            each.name: each for each in tallies if each.name not in known or known[each.name].version < each.version
        }
        self.tallies = known | newer
        if newer or first:
            for bell in self.bells:
                bell.set()


class TallyChanges:
    """domain.check_in_ports.CheckInChanges. poll_seconds: how long another process's commit may go unnoticed."""

    def __init__(self, store: Finder, *, poll_seconds: float = 0.25) -> None:
        self._store, self._poll_seconds = store, poll_seconds
        self._topics: dict[str, _Topic] = {}
        self._closed = False

    def committed(self, records: Iterable[Record]) -> None:
        """A lane of this process has written them."""
        for record in records:
            topic = self._topics.get(record.event) if isinstance(record, ListTally) else None
            if topic is not None and topic.tallies is not None and isinstance(record, ListTally):
                topic.take([record])

    async def follow(self, event: str) -> AsyncGenerator[Sequence[ListTally], None]:
        """The present tallies by name, then all of them whenever one changes; ends when the service stops."""
        bell = asyncio.Event()
        topic = self._topics.setdefault(event, _Topic())
        topic.bells.add(bell)
        try:
            if topic.tallies is None:
                topic.take(await tallies_of(self._store, [event]))
            while not self._closed:
                bell.clear()
                known = topic.tallies or {}
                yield [known[name] for name in sorted(known) if not known[name].removed]
                await bell.wait()
        finally:
            topic.bells.discard(bell)
            if not topic.bells and self._topics.get(event) is topic:
                del self._topics[event]

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for topic in self._topics.values():
            for bell in topic.bells:
                bell.set()

    async def run(self) -> None:
        """Look for commits of other processes, until cancelled."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            with suppress(Unavailable):
                await self.look()

    async def look(self) -> None:
        """One look at every event that is watched."""
        known = {event: dict(topic.tallies or {}) for event, topic in self._topics.items()}
        found: dict[str, list[ListTally]] = {event: [] for event in known}
        for tally in await tallies_of(self._store, list(found)) if found else ():
            found[tally.event].append(tally)
        for event, tallies in found.items():
            topic = self._topics.get(event)
            if topic is not None:
                there = {each.name for each in tallies}
                gone = [each for name, each in known[event].items() if name not in there and not each.removed]
                topic.take([*tallies, *(replace(each, removed=True, version=each.version + 1) for each in gone)])
