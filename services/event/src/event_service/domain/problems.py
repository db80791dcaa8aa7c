"""What is wrong with something an organizer says, as a refusal that names the fields."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from domain_kit.money import Money
from domain_kit.refusals import FieldViolation, InvalidArgument

# In minor units. A booking multiplies it, and sums have to stay within the 64 bits that stores and wires have.
HIGHEST_PRICE = 10**12
# More would not fit into the trailers of an answer, and nobody reads them.
MOST_TOLD = 20

Problems = Iterator[tuple[str, str]]
"""(path of the field, what would be right) of everything that is wrong."""


def refuse(reason: str, field: str, problems: Problems) -> None:
    """InvalidArgument with the first problems as paths below `field`; nothing when there are none."""
    violations = [FieldViolation(f"{field}.{path}", what) for path, what in islice(problems, MOST_TOLD)]
    if violations:
        raise InvalidArgument(
            reason, "; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations
        )


def within(path: str, problems: Iterable[tuple[str, str]]) -> Problems:
    """The same problems as paths below `path`."""
    return ((f"{path}.{each}", what) for each, what in problems)


def price_problems(path: str, price: Money | None) -> Problems:
    """What is wrong with a price."""
    if price is None:
        yield path, "is required; 0 is free."
    elif price.minor_units < 0:
        yield path, "must not be negative."
    elif price.minor_units > HIGHEST_PRICE:
        yield path, "is higher than any ticket costs."


def window_problems(start: datetime | None, end: datetime | None, field: str) -> Problems:
    """What is wrong with a time between `<field>start_time` and `<field>end_time`, either of them open."""
    if start and end and end <= start:
        yield f"{field}end_time", f"must be after {field}start_time."


def reference_problems(path: str, ids: Iterable[str], known: Iterable[str], what: str) -> Problems:
    """Every one of `ids` that is not `known`; `what` says what it should be."""
    known = frozenset(known)
    for index, id in enumerate(ids):
        if id not in known:
            yield f"{path}[{index}]", f"is no {what} of this event."
