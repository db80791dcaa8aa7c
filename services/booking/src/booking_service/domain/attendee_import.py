"""Bookings that come from a file: what is read, and what waits to be booked on places that are taken already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from booking_service.domain.booking import Line
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.memory import Memory
from booking_service.domain.questions import UNKNOWN, Answer, Attendee

MOST_ROWS = 5_000
MOST_OF_AN_ORDER = 1_000
TICKETS_AT_ONCE = 50  # in one commit: their codes are signed one by one while the lane waits


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A ticket. number: of the line it begins with, from 1. order "": a booking of its own. seat "": the best.

    names: field → what the file calls it, where it has a name of its own, such as `attendee.answers[0]`.
    """

    number: int
    ticket_type: str
    order: str = ""
    date: str = ""
    attendee: Attendee = UNKNOWN
    buyer: str = ""
    contact: Contact = NOBODY
    booking_answers: tuple[Answer, ...] = ()
    seat: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row, 0: with the file. reason: UPPER_SNAKE; field: "" when it is the row as a whole."""

    number: int
    field: str
    reason: str
    description: str


def named(field: str, names: Mapping[str, str]) -> str:
    """What the file calls a field, or that which it is a part of; as it is where the file has no name for either."""
    part = field
    while part and part not in names:
        part = part.rpartition(".")[0]
    return names[part] if part else field


@dataclass(frozen=True, slots=True)
class ImportedTicket:
    """A ticket to be. `template`: which of the import's lines it is like. seats: none where its type has none."""

    template: int
    attendee: Attendee = UNKNOWN
    seats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedOrder:
    """A booking to be. `booking`: the name that it shall have."""

    booking: str
    buyer: str
    contact: Contact
    tickets: tuple[ImportedTicket, ...]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class AttendeeImport:
    """A file for which all places are taken. templates: lines of one ticket. chunks: how many there are.

    It is a tally: nothing is told of it, its bookings tell of themselves.
    """

    name: str
    event: str
    organizer: str
    actor: str
    reason: str
    templates: tuple[Line, ...]
    chunks: int
    create_time: datetime
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """Orders of an import that are booked in one commit; then only their names are left.

    due: from when on somebody else may book them, None once they are booked.
    """

    name: str
    of: str
    event: str
    orders: tuple[ImportedOrder, ...]
    due: datetime | None
    bookings: tuple[str, ...] = ()
    tickets: int = 0
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE


def chunk_name(of: str, number: int) -> str:
    """Where the chunk of an import is found, from 0."""
    return f"{of}/chunks/{number:04}"


def chunked(orders: Sequence[ImportedOrder], most: int = TICKETS_AT_ONCE) -> list[tuple[ImportedOrder, ...]]:
    """In their order, each with at most so many tickets or one order."""
    chunks: list[list[ImportedOrder]] = []
    tickets = most
    for order in orders:
        if tickets + len(order.tickets) > most:
            chunks.append([])
            tickets = 0
        chunks[-1].append(order)
        tickets += len(order.tickets)
    return [tuple(chunk) for chunk in chunks]
