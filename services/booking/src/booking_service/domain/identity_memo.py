"""Remembers what a pure function made of arguments by who they are, where comparing them costs more than the work."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

R = TypeVar("R")


def by_identity(most: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """For functions of arguments that never change. most: results remembered, then it starts afresh."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        memo: dict[tuple[int, ...], tuple[tuple[Any, ...], R]] = {}

        @wraps(function)
        def remembering(*arguments: Any) -> R:
            key = tuple(map(id, arguments))
            found = memo.get(key)
            if found is None:
                if len(memo) >= most:
                    memo.clear()
                # The arguments are kept as well: as long as they live nothing else has their ids.
                found = memo[key] = (arguments, function(*arguments))
            return found[1]

        return remembering

    return decorate
