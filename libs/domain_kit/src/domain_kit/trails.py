"""What happened to an aggregate before: of each type of domain event the version of the last one, as a short text.

A domain event carries the trail that leads to it. A consumer that meets a gap in the versions sees in it whether the
gap hides anything it handles, and so need not write down what it passes over. None: not known, for aggregates that
were stored before there were trails; then only the version before will do.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache

Trail = str | None
BEGINNING: Trail = ""  # of an aggregate that is being created


@lru_cache(1024)
def followed(trail: Trail, kind: str, version: int) -> Trail:
    """The trail after a domain event of this type; it does not grow by types it has."""
    if trail is None:
        return None
    return " ".join(f"{name}={last}" for name, last in {**_read(trail), kind: version}.items())


def last_of(trail: str, kinds: Collection[str]) -> int:
    """Version of the last domain event of one of these types, 0 when there was none; ValueError if malformed."""
    return max((version for name, version in _read(trail).items() if name in kinds), default=0)


def _read(trail: str) -> Mapping[str, int]:
    """Type → version."""
    pairs = (part.rpartition("=") for part in trail.split())
    return {name: int(version) for name, _, version in pairs}
