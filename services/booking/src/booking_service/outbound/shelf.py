"""What a lane decides on: what it remembers from its last commits, and what it has to read."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from booking_service.domain.commands import Command
from booking_service.domain.inventory import Inventory
from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer
from booking_service.domain.records import Key, Record
from booking_service.domain.stock import Stock
from booking_service.outbound.documents import (
    INVENTORY,
    KIND_OF,
    OFFERS,
    inventory_from_document,
    offer_from_document,
)

REMEMBERED_STOCKS = 512
REMEMBERED = {Memory.OR_ABSENT: 4096, Memory.OR_READ: 512}  # records; a booking takes more room than a tally
K = TypeVar("K")


class Finder(Protocol):
    """The reading half of a journal."""

    async def find(
        self, collection: str, where: Mapping[str, Any], /, *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match."""


async def load_stocks(
    store: Finder, events: Iterable[str], known: Mapping[str, Stock] | None = None
) -> dict[str, Stock]:
    """Event → its stock as it is now. `known`: earlier ones, whose offers are kept where they are still the same.

    INVARIANT: an offer is never older than the inventory it is given with. Both are written in one commit, so the
    inventories are read first: an offer that changes in between is newer, and then the guard stops the commit.
    """
    wanted = list(dict.fromkeys(events))
    found = {each["_id"]: each for each in await store.find(INVENTORY, {"_id": {"$in": wanted}})}
    offers: dict[str, Offer] = {}
    for event, document in found.items():
        stock = (known or {}).get(event)
        if stock is not None and stock.offer is not None and stock.offer.version == document["offer_version"]:
            offers[event] = stock.offer
    missing = [event for event in found if event not in offers]
    if missing:
        for document in await store.find(OFFERS, {"_id": {"$in": missing}}):
            offers[document["_id"]] = offer_from_document(document)
    return {
        event: Stock(offers.get(event), inventory_from_document(found[event]) if event in found else Inventory(event))
        for event in wanted
    }


async def load_records(store: Finder, keys: Iterable[Key]) -> dict[Key, Record | None]:
    """Every key with its record, None where there is none; one query a kind."""
    names: dict[type[Any], list[str]] = {}
    for kind, name in dict.fromkeys(keys):
        names.setdefault(kind, []).append(name)
    found: dict[Key, Record | None] = {}

    async def load(kind: type[Any], wanted: list[str]) -> None:
        shape = KIND_OF[kind]
        found.update(dict.fromkeys((kind, name) for name in wanted))
        for document in await store.find(shape.collection, {"_id": {"$in": wanted}}):
            found[kind, document["_id"]] = shape.from_document(document)

    await asyncio.gather(*(load(kind, wanted) for kind, wanted in names.items()))
    return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a batch is decided on. remembered: events and keys that were not read just now."""

    stocks: dict[str, Stock]
    records: dict[Key, Record | None]
    remembered: frozenset[str | Key]


class Shelf:
    """What a lane left behind after its last commits; what others did since shows where a guard does not hold."""

    def __init__(self, store: Finder) -> None:
        self._store = store
        self._stocks: dict[str, Stock] = {}
        self._records: dict[Memory, dict[Key, Record]] = {memory: {} for memory in REMEMBERED}

    async def load(self, commands: Sequence[Command], *, fresh: bool) -> Loaded:
        """All that these commands need, read where it is not remembered; `fresh`: all of it is read.

        Where records have to be read anyway, stocks are too, at the same time: what such commands decide need not
        touch the inventory, and then no guard would notice an offer that has changed.
        """
        events = list(dict.fromkeys(command.event for command in commands))
        stocks = {} if fresh else {event: self._stocks[event] for event in events if event in self._stocks}
        records: dict[Key, Record | None] = {}
        read, remembered = False, set[str | Key](stocks)
        while True:
            missing = len(stocks) < len(events)
            wanted = _wanted(commands, stocks, records)
            if not wanted and not missing:
                return Loaded(stocks, records, frozenset(remembered))
            kept = {} if fresh else self._recalled(wanted)
            remembered.update(kept)
            records.update(kept)
            unread = wanted - kept.keys()
            if not read and (unread or missing):
                stocks, found = await asyncio.gather(
                    load_stocks(self._store, events, self._stocks), load_records(self._store, unread)
                )
                records.update(found)
                read = True
                remembered.difference_update(events)
            elif unread:
                records.update(await load_records(self._store, unread))

    def peek(
        self, command: Command, stocks: Mapping[str, Stock], records: Mapping[Key, Record | None]
    ) -> tuple[dict[str, Stock], dict[Key, Record | None]] | None:
        """What this command needs beside what is given, where all of it is remembered; None where it is not."""
        event = command.event
        stock = stocks.get(event) or self._stocks.get(event)
        if stock is None:
            return None
        found: dict[Key, Record | None] = {}
        while True:
            known = {**records, **found} if found else records  # nearly all need nothing but what is there
            wanted = set(command.needs(stock, known)) - known.keys()
            if not wanted:
                return {} if event in stocks else {event: stock}, found
            recalled = self._recalled(wanted)
            if len(recalled) < len(wanted):
                return None
            found.update(recalled)

    def keep(self, stocks: Mapping[str, Stock], records: Mapping[Key, Record]) -> None:
        """Remember what a commit leaves; the longest unused are forgotten."""
        known = {event: stock for event, stock in stocks.items() if stock.offer is not None}
        _remember(self._stocks, known, REMEMBERED_STOCKS)
        for memory, most in REMEMBERED.items():
            mine = {key: record for key, record in records.items() if record.memory is memory}
            _remember(self._records[memory], mine, most)

    def forget(self, stocks: Iterable[str], records: Iterable[Key]) -> None:
        """Read them again next time."""
        for event in stocks:
            self._stocks.pop(event, None)
        for key in records:
            self._records.get(key[0].memory, {}).pop(key, None)

    def _recalled(self, keys: Iterable[Key]) -> dict[Key, Record | None]:
        """Those of the keys that need not be read."""
        recalled: dict[Key, Record | None] = {}
        for key in keys:
            known = self._records.get(key[0].memory, {}).get(key)
            if known is not None or key[0].memory is Memory.OR_ABSENT:
                recalled[key] = known
        return recalled


def _wanted(commands: Sequence[Command], stocks: Mapping[str, Stock], records: Mapping[Key, Record | None]) -> set[Key]:
    """Keys that the commands need and that nobody has looked for yet."""
    keys = set[Key]()
    for command in commands:
        stock = stocks.get(command.event) or Stock(None, Inventory(command.event))
        keys.update(command.needs(stock, records))
    return keys - records.keys()


def _remember(memory: dict[K, Any], newest: Mapping[K, Any], most: int) -> None:
    for key, value in newest.items():
        memory.pop(key, None)
        memory[key] = value
    while len(memory) > most:
        del memory[next(iter(memory))]
