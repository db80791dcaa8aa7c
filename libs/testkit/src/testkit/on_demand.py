"""Two engines of which only the one that a test asks for is started: a real one takes seconds and half a gigabyte."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol


class Part(Protocol):
    """One engine."""

    address: str

    def start(self) -> None:
        """Start it and wait until it serves."""

    def kill(self) -> None:
        """End it with signal 9."""

    def stop(self) -> None:
        """End it in order."""

    def wipe(self) -> None:
        """Delete its data; it does not run."""


class OnDemand:
    """A Kafka and an Elasticsearch, each started when its address is asked for first."""

    def __init__(self, kafka: Part, elasticsearch: Part) -> None:
        self._kafka, self._elasticsearch = kafka, elasticsearch
        self._asked_for: list[Part] = []
        self._running = True

    @property
    def brokers(self) -> str:
        """`host:port` of Kafka, which serves unless it was ended."""
        return self._address_of(self._kafka)

    @property
    def elasticsearch(self) -> str:
        """URL of Elasticsearch, which serves unless it was ended."""
        return self._address_of(self._elasticsearch)

    def start(self) -> None:
        """Start what a test has asked for and wait until it serves."""
        self._running = True
        for part in self._asked_for:
            part.start()

    def kill(self) -> None:
        """End both with signal 9."""
        self._end(lambda part: part.kill())

    def stop(self) -> None:
        """End both in order."""
        self._end(lambda part: part.stop())

    def wipe(self) -> None:
        """Delete all data of ended engines."""
        for part in self._asked_for:
            part.wipe()

    def _address_of(self, part: Part) -> str:
        if part not in self._asked_for:
            if self._running:
                part.start()
            self._asked_for.append(part)
        return part.address

    def _end(self, how: Callable[[Part], None]) -> None:
        self._running = False
        for part in self._asked_for:
            how(part)


def completed(work: Coroutine[Any, Any, object]) -> None:
    """Run it to its end in a thread of its own, since the caller may be inside an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
