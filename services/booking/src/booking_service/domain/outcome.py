"""What a command leads to."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_service.domain.domain_events import Happening
from booking_service.domain.records import Record
from booking_service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class Step:
    """A domain event and its aggregate right after it."""

    happened: Happening
    record: Record


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is so after a command.

    answer: what its caller gets. steps: what happened, in order. tallies: records without domain events that changed.
    """

    stock: Stock
    answer: Record | None = None
    steps: Sequence[Step] = ()
    tallies: Sequence[Record] = ()


def unchanged(stock: Stock, answer: Record | None) -> Outcome:
    """Nothing happened; for repeats of the same fact."""
    return Outcome(stock, answer)


def changed(stock: Stock, *steps: Step, tallies: Sequence[Record] = ()) -> Outcome:
    """The caller gets the last step's aggregate."""
    return Outcome(stock, steps[-1].record, steps, tallies)
