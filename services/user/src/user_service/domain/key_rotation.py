"""When which signing key counts: published before it signs, and as long as what it signed may be in use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Generation(Generic[K]):
    """The `number`-th key, counted from 1."""

    number: int
    key: K = field(repr=False)
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """lead: how long verifiers have to learn of a key before it signs; keep: how long a replaced key still verifies."""

    every: timedelta = timedelta(days=30)
    lead: timedelta = timedelta(minutes=15)
    keep: timedelta = timedelta(hours=1)

    def next_number(self, generations: Sequence[Generation[K]], now: datetime) -> int | None:
        """The number of the key that is due to be made, or None."""
        if not generations:
            return 1
        newest = max(generations, key=lambda each: each.number)
        return newest.number + 1 if now >= newest.create_time + self.every else None

    def signing(self, generations: Sequence[Generation[K]], now: datetime) -> Generation[K]:
        """The newest one that verifiers know; of only one, that one. ValueError without any."""
        begun = [each for each in generations if self._begins(each, generations) <= now]
        return max(begun, key=lambda each: each.number)

    def published(self, generations: Sequence[Generation[K]], now: datetime) -> list[Generation[K]]:
        """Those that verify: newest first, without those replaced long ago."""
        newest_first = sorted(generations, key=lambda each: each.number, reverse=True)
        kept: list[Generation[K]] = []
        for each in newest_first:
            if kept and self._begins(kept[-1], generations) + self.keep <= now:
                break
            kept.append(each)
        return kept

    def _begins(self, generation: Generation[K], generations: Sequence[Generation[K]]) -> datetime:
        first = min(each.number for each in generations)
        if generation.number == first:
            return datetime.min.replace(tzinfo=generation.create_time.tzinfo)
        return generation.create_time + self.lead
