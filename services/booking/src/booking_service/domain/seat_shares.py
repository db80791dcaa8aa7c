"""Shares places among wishes that may lie in some of several kinds, so that all come true where that can be."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def shares(wishes: Sequence[tuple[int, Sequence[K]]], free: Mapping[K, int]) -> list[dict[K, int]] | None:
    """How many of each kind each wish gets; None where not all of them fit.

    wishes: how many, and the kinds they may be of, the best first. A maximum flow by augmenting paths (Ford and
    Fulkerson, 1956): a wish that finds nothing left has another one move.
    """
    given: list[dict[K, int]] = [{} for _ in wishes]
    left = dict(free)
    for number, (count, kinds) in enumerate(wishes):
        for kind in kinds:
            _move(given[number], left, kind, min(left[kind], count - sum(given[number].values())))
        while sum(given[number].values()) < count:
            path = _path(number, wishes, given, left)
            if path is None:
                return None
            for step, (wish, kind) in enumerate(path, 1):
                given[wish][kind] = given[wish].get(kind, 0) + 1
                if step == len(path):
                    left[kind] -= 1
                else:
                    given[path[step][0]][kind] -= 1
    return [{kind: count for kind, count in own.items() if count} for own in given]


def _move(own: dict[K, int], left: dict[K, int], kind: K, count: int) -> None:
    if count > 0:
        own[kind] = own.get(kind, 0) + count
        left[kind] -= count


def _path(
    number: int, wishes: Sequence[tuple[int, Sequence[K]]], given: Sequence[Mapping[K, int]], left: Mapping[K, int]
) -> list[tuple[int, K]] | None:
    """Which wish takes one more of which kind, each from the next, the last one from what is left."""
    paths: list[list[tuple[int, K]]] = [[(number, kind)] for kind in wishes[number][1]]
    seen = set(wishes[number][1])
    while paths:
        path = paths.pop(0)
        kind = path[-1][1]
        if left[kind] > 0:
            return path
        for other, own in enumerate(given):
            if own.get(kind, 0) > 0:
                for each in wishes[other][1]:
                    if each not in seen:
                        seen.add(each)
                        paths.append([*path, (other, each)])
    return None
