"""The ledger as a chain: each entry's hash covers the one before it, its number, its bytes and the running turnover.

The bytes of an entry are JSON in canonical form (RFC 8785: keys in order, no white space, UTF-8), not protobuf: its
serialization is promised to be the same only within one release of one library, and a ledger is to be read without
our code in ten years. All values are texts and integers below 2^53, where RFC 8785 and `json.dumps` agree.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from domain_kit.money import Money
from payment_service.domain.ledger import Entry, FactKind, Posting, account_named

BEGINNING = bytes(32)
BLOCK_SIZE = 200  # entries a document: a database gives some hundred large documents much faster than many small ones
GREATEST = 2**53
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: how many entries, the hash of the last, and the sum of all debits in each currency."""

    count: int = 0
    link: bytes = BEGINNING
    turnover: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that are stored together. first: number of its first entry, from 1; links: their hashes.

    ids, owners: of its entries, to find them by. latest: the latest of their times.
    """

    first: int
    entries: tuple[bytes, ...]
    links: tuple[bytes, ...]
    ids: tuple[str, ...]
    owners: tuple[str, ...]
    latest: datetime

    @property
    def full(self) -> bool:
        """Whether it will never grow any more."""
        return len(self.entries) >= BLOCK_SIZE


@dataclass(frozen=True, slots=True)
class Numbered:
    """An entry with its place in the chain."""

    number: int
    link: bytes
    entry: Entry


# Made once: json.dumps makes one with each call that wants another than its own.
_as_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def canonical(entry: Entry) -> bytes:
    """The bytes that are hashed and kept; OverflowError for an amount that JSON numbers may not hold exactly."""
    postings = [(each.account.name, each.amount.currency, each.amount.minor_units) for each in entry.postings]
    if any(abs(amount) >= GREATEST for _, _, amount in postings):
        raise OverflowError(f"{entry.id}: an amount of 2^53 minor units or more")
    document = {
        "id": entry.id,
        "key": entry.key,
        "kind": entry.kind.value,
        "payment": entry.payment,
        "postings": postings,
        "reference": entry.reference,
        "time": (entry.time - EPOCH) // timedelta(milliseconds=1),
    }
    return _as_text(document).encode()


def entry_of(body: bytes) -> Entry:
    """The reverse; ValueError or KeyError for anything else."""
    document: Mapping[str, Any] = json.loads(body)
    return Entry(
        document["id"],
        FactKind(document["kind"]),
        EPOCH + timedelta(milliseconds=document["time"]),
        document["payment"],
        tuple(Posting(account_named(name), Money(units, code)) for name, code, units in document["postings"]),
        document["reference"],
        document["key"],
    )


def debits(postings: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Currency → sum of what is above zero, of postings as in the canonical form."""
    found: dict[str, int] = {}
    for _, currency, amount in postings:
        if amount > 0:
            found[currency] = found.get(currency, 0) + amount
    return found


def link(previous: bytes, number: int, body: bytes, turnover: Mapping[str, int]) -> bytes:
    """SHA-256 over the hash before it, the number (8 bytes, big-endian), the running turnover of the entry's own
    currencies (`CAD=1999,EUR=500|`) and the bytes. The parts cannot be mistaken for each other: the bytes begin with {.
    """
    running = ",".join([f"{code}={amount}" for code, amount in sorted(turnover.items())])
    return hashlib.sha256(previous + number.to_bytes(8, "big") + running.encode() + b"|" + body).digest()


def extended(head: Head, last: Block | None, entries: Sequence[Entry]) -> tuple[Head, list[Block]]:
    """The chain with more entries: its new head, and the blocks that are new or have grown; `last` is one of these
    where it was not full.
    """
    count, previous, turnover = head.count, head.link, dict(head.turnover)
    open_block = last if last is not None and not last.full else None
    blocks: list[Block] = []
    for entry in entries:
        body = canonical(entry)
        mine = debits(json.loads(body)["postings"])
        for code, amount in mine.items():
            turnover[code] = turnover.get(code, 0) + amount
        count += 1
        previous = link(previous, count, body, {code: turnover[code] for code in mine})
        if open_block is not None and open_block.full:
            blocks.append(open_block)
            open_block = None
        open_block = _grown(open_block, count, body, previous, entry)
    if open_block is not None and entries:
        blocks.append(open_block)
    return Head(count, previous, turnover), blocks


def numbered(block: Block) -> list[Numbered]:
    """The entries of a block."""
    return [
        Numbered(block.first + index, hash_, entry_of(body))
        for index, (body, hash_) in enumerate(zip(block.entries, block.links, strict=True))
    ]


def _grown(block: Block | None, number: int, body: bytes, link: bytes, entry: Entry) -> Block:
    if block is None:
        return Block(number, (body,), (link,), (entry.id,), tuple(sorted(entry.owners)), entry.time)
    return Block(
        block.first,
        (*block.entries, body),
        (*block.links, link),
        (*block.ids, entry.id),
        tuple(sorted({*block.owners, *entry.owners})),
        max(block.latest, entry.time),
    )
