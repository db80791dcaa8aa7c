"""Walks the chain of the ledger and names everything in it that is not as it was written."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from payment_service.domain.chain import BEGINNING, Block, Head, link
from payment_service.domain.ledger import Balances

MOST_FINDINGS = 100


class Fault(Enum):
    """What is wrong.

    MISSING: numbers without an entry. OUT_OF_ORDER: an entry where another number is due. ALTERED: its hash is not that
    of its bytes after the one before. MALFORMED: no entry at all. UNBALANCED: does not sum to zero. REPEATED: an id
    that was there before. MISFILED: a block says it has other entries or owners than it has. HEAD: the chain ends
    elsewhere than was noted, so its end is missing or was added. BALANCE: an account's balance is not the sum of its
    postings. ANCHOR: an entry that was noted outside is not there.
    """

    MISSING = "MISSING"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    ALTERED = "ALTERED"
    MALFORMED = "MALFORMED"
    UNBALANCED = "UNBALANCED"
    REPEATED = "REPEATED"
    MISFILED = "MISFILED"
    HEAD = "HEAD"
    BALANCE = "BALANCE"
    ANCHOR = "ANCHOR"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; number: of the entry, 0 where it is about none."""

    fault: Fault
    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a look at the ledger found, in words. walked: at all of it, and not only at its sums.

    waiting: facts that are not in it yet, as far as they were counted.
    """

    findings: Sequence[str]
    waiting: int
    walked: bool


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody has noted elsewhere: entry `number` had this hash. Nobody who can write our database changes it."""

    number: int
    link: bytes


class Verifier:
    """Takes the blocks in order of their first number, then the noted end. At most 100 findings are kept."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        self.findings: list[Finding] = []
        self.head = Head()
        self._anchor = anchor
        self._anchored = anchor is None
        self._previous = BEGINNING
        self._number = 0
        self._turnover: dict[str, int] = {}
        self._balances: dict[tuple[str, str], int] = defaultdict(int)
        self._ids: set[str] = set()

    def block(self, block: Block) -> None:
        """The next one."""
        if block.first <= self._number:
            self._found(Fault.OUT_OF_ORDER, block.first, f"entry {self._number} was there before it")
        elif block.first > self._number + 1:
            self._found(Fault.MISSING, self._number + 1, f"entries {self._number + 1} to {block.first - 1}")
        self._number = block.first - 1
        if len(block.links) != len(block.entries):
            self._found(Fault.MISFILED, block.first, f"{len(block.entries)} entries with {len(block.links)} hashes")
        ids: list[str] = []
        accounts: set[str] = set()
        for body, hash_, document in zip(block.entries, block.links, _read(block.entries), strict=False):
            self._entry(body, hash_, document, ids, accounts)
        owners = {name.rpartition("/")[0] for name in accounts}
        if tuple(ids) != block.ids or tuple(sorted(owners)) != block.owners:
            self._found(Fault.MISFILED, block.first, "the block is filed under other ids or owners than it holds")

    def end(self, head: Head, balances: Balances) -> list[Finding]:
        """What was noted of the whole; all findings. Accounts of nothing may be left out."""
        self.head = Head(self._number, self._previous, self._turnover)
        if head != self.head:
            self._found(
                Fault.HEAD,
                0,
                f"the chain ends at {self._number} ({self._previous.hex()}, {_told(self._turnover)}), noted was "
                f"{head.count} ({head.link.hex()}, {_told(head.turnover)})",
            )
        for key in sorted(self._balances.keys() | balances.keys()):
            mine, noted = self._balances.get(key, 0), balances.get(key, 0)
            if mine != noted:
                self._found(Fault.BALANCE, 0, f"{key[0]} in {key[1]}: postings sum to {mine}, noted is {noted}")
        if not self._anchored and self._anchor is not None:
            self._found(Fault.ANCHOR, self._anchor.number, "the noted hash is not in the chain")
        return self.findings

    def _entry(self, body: bytes, hash_: bytes, document: Any, ids: list[str], accounts: set[str]) -> None:
        self._number += 1
        number, balances, turnover = self._number, self._balances, self._turnover
        mine: dict[str, int] = {}
        totals: dict[str, int] = {}
        try:
            id: str = document["id"]
            for name, currency, amount in document["postings"]:
                totals[currency] = totals.get(currency, 0) + amount
                balances[name, currency] += amount
                accounts.add(name)
                if amount > 0:
                    turnover[currency] = mine[currency] = turnover.get(currency, 0) + amount
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            self._found(Fault.MALFORMED, number, "these bytes are no entry")
            self._previous = hash_
            return
        if any(totals.values()):
            self._found(Fault.UNBALANCED, number, f"{id} sums to {_told(totals)}")
        if id in self._ids:
            self._found(Fault.REPEATED, number, f"{id} was there before")
        self._ids.add(id)
        ids.append(id)
        if link(self._previous, number, body, mine) != hash_:
            self._found(Fault.ALTERED, number, f"{id} is not what was written there")
        # Goes on from what is stored, so that one altered entry is one finding.
        self._previous = hash_
        if self._anchor is not None and self._anchor.number == number:
            self._anchored = hash_ == self._anchor.link

    def _found(self, fault: Fault, number: int, what: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(fault, number, what))


def _read(bodies: Sequence[bytes]) -> Sequence[Any]:
    """The documents in these bytes, None for what is none; all in one go costs half as much as each by itself."""
    try:
        documents: list[Any] = json.loads(b"[" + b",".join(bodies) + b"]")
        if len(documents) == len(bodies):
            return documents
    except ValueError:
        pass  # the one that is wrong is found below
    return [_read_one(body) for body in bodies]


def _read_one(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _told(totals: Mapping[str, int]) -> str:
    return ", ".join(f"{amount} {code}" for code, amount in sorted(totals.items())) or "nothing"
