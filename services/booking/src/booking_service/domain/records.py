"""What a command is decided on: an event's stock, and the records of that event which it asked for."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from booking_service.domain.memory import Memory
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound


class Record(Protocol):
    """Something of an event that changes together with its stock: a booking, a voucher, the seats of a section.

    version: of an aggregate, how many domain events it had; of a tally (a record without domain events), how often it
    was written. Set by the desk, never by the domain; so is the `trail` that an aggregate has besides.
    """

    memory: ClassVar[Memory]

    @property
    def name(self) -> str:
        """Resource name, or a key of the same form."""

    @property
    def version(self) -> int:
        """0 before it is stored."""


R = TypeVar("R", bound=Record)
Key = tuple[type[Any], str]  # kind and name of a record


def key_of(record: Record) -> Key:
    """The key it is found under."""
    return type(record), record.name


class NotAsked(LookupError):
    """A record that the command's `needs` did not name, of the stock that it was asked with."""


class View:
    """The stock and the records as they are when the command's turn comes; earlier commands of its batch included."""

    __slots__ = ("_records", "stock")

    def __init__(self, stock: Stock, records: Mapping[Key, Any]) -> None:
        self.stock, self._records = stock, records

    def after(self, stock: Stock, records: Iterable[Record]) -> "View":
        """What it is once these have changed, for decisions in several steps."""
        return View(stock, {**self._records, **{key_of(record): record for record in records}})

    def find(self, kind: type[R], name: str) -> R | None:
        """The record, None when there is none. NotAsked for one that the command did not ask for in `needs`."""
        if (kind, name) not in self._records:
            raise NotAsked(f"{kind.__name__} {name}")
        record: R | None = self._records[kind, name]
        return record

    def get(self, kind: type[R], name: str) -> R:
        """The record; NotFound."""
        record = self.find(kind, name)
        if record is None:
            raise NotFound.named(name)
        return record
