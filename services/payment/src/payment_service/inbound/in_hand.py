"""Who is about to hear from the gateway of a payment, in this process: whoever else would ask can wait for that."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class InHand:
    """By name of the payment."""

    def __init__(self) -> None:
        self._asking: Counter[str] = Counter()
        self._heard: dict[str, asyncio.Event] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._asking

    @property
    def names(self) -> Collection[str]:
        """Of all that somebody is about to hear of."""
        return self._asking.keys()

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Somebody is about to hear of it."""
        self._asking[name] += 1
        try:
            yield
        finally:
            self._asking[name] -= 1
            if not self._asking[name]:
                del self._asking[name]
                if heard := self._heard.pop(name, None):
                    heard.set()

    async def heard(self, name: str) -> bool:
        """Returns when nobody is about to hear of it; whether somebody was."""
        if name not in self:
            return False
        return await self._heard.setdefault(name, asyncio.Event()).wait()
