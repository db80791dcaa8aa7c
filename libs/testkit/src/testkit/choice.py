"""Which engines the suites run on: those from PyPI, Apache Kafka and Elasticsearch on Java, or containers."""

import os
from typing import Literal, Protocol, get_args

Engines = Literal["embedded", "native", "containers"]
VARIABLE = "USHER_TEST_ENGINES"


def chosen_engines() -> Engines:
    """What USHER_TEST_ENGINES says, `embedded` without it; ValueError for anything else."""
    told = os.environ.get(VARIABLE) or "embedded"
    for each in get_args(Engines):
        if told == each:
            return each  # type: ignore[no-any-return]  # get_args has no type
    raise ValueError(f"{VARIABLE} is one of {', '.join(get_args(Engines))}, not {told!r}")


class KafkaElastic(Protocol):
    """A Kafka and an Elasticsearch on fixed ports, running; a test may end them and start them on the same data."""

    @property
    def brokers(self) -> str:
        """`host:port` of Kafka."""

    @property
    def elasticsearch(self) -> str:
        """URL of Elasticsearch."""

    def start(self) -> None:
        """Start what was ended and wait until it serves."""

    def kill(self) -> None:
        """End both with signal 9."""

    def stop(self) -> None:
        """End both as a supervisor would."""

    def wipe(self) -> None:
        """Delete all data of stopped engines, as if the volumes had been lost."""


class Mongo(Protocol):
    """A MongoDB on a fixed port, running."""

    @property
    def uri(self) -> str:
        """What a client is given."""

    def start(self) -> None:
        """Start it after `kill` and wait until it serves."""

    def kill(self) -> None:
        """End it with signal 9."""
