"""Sorts of tickets: those of one type, date and content draw on the same pools, whenever they were sold."""

from collections.abc import Mapping
from typing import NamedTuple


class Sort(NamedTuple):
    """Names of a type and of a date, "" where there is none. contents: of a bundle, type → how many of its tickets."""

    ticket_type: str
    date: str = ""
    contents: tuple[tuple[str, int], ...] = ()


def sort_key(sort: Sort) -> str:
    """Under which key an inventory counts them: ids only; the type's alone where there is nothing else to say."""
    parts = [_id(sort.ticket_type), _id(sort.date), "+".join(f"{_id(name)}:{count}" for name, count in sort.contents)]
    return "/".join(parts).rstrip("/")


def sort_of(event: str, key: str) -> Sort:
    """The reverse."""
    kind, date, contents = [*key.split("/"), "", ""][:3]
    counts = (part.split(":") for part in contents.split("+") if part)
    return Sort(
        f"{event}/ticketTypes/{kind}",
        f"{event}/dates/{date}" if date else "",
        tuple((f"{event}/ticketTypes/{name}", int(count)) for name, count in counts),
    )


def type_of_key(key: str) -> str:
    """The type's id."""
    return key.partition("/")[0]


def bundled(contents: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """As a sort has them."""
    return tuple(contents.items())


def _id(name: str) -> str:
    return name.rpartition("/")[2]
