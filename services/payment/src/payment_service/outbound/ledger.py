"""The ledger in MongoDB: a chain of blocks that only grows, with one guarded end, and the balances it comes to."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted, AlreadyExists
from mongo_store import Database, Delete, Index, Insert, JournalRow, Put, Replace, VersionConflict, Write
from mongo_store.database import reachable
from payment_service.domain.chain import EPOCH, Block, Numbered, canonical, entry_of, extended, numbered
from payment_service.domain.ledger import Balances, Entry, balances_after
from payment_service.domain.verification import Anchor, Audit, Verifier
from payment_service.outbound.bookkeeping import UNCHAINED, unchained
from payment_service.outbound.ledger_documents import (
    HEAD,
    balance_document,
    block_document,
    block_of,
    head_document,
    head_of,
)

BLOCKS, ENDS, BALANCES = "ledger_blocks", "ledger_ends", "ledger_balances"
AT_ONCE = 64  # facts a commit
ROUNDS = 20
MOST_COUNTED = 1_000
INDEXES = {
    UNCHAINED: [Index("by_time", [("time", 1), ("_id", 1)])],
    BLOCKS: [
        Index("by_entry", [("ids", 1)]),
        Index("by_owner", [("owners", 1), ("_id", -1)]),
        Index("by_time", [("latest", 1)]),
    ],
    BALANCES: [Index("by_owner", [("owner", 1)])],
}


class Batching(Protocol):
    """What is needed of a journal; `Journal` and the in-memory fake have it."""

    async def commit_batch(self, writes: Sequence[Write], rows: Sequence[JournalRow]) -> None:
        """All or nothing, see Journal.commit_batch."""

    async def read(self, collection: str, key: Any) -> Mapping[str, Any] | None:
        """One document by `_id`."""

    async def find(
        self, collection: str, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match."""


class MongoLedger:
    """Written by whoever holds the lease; should two believe that they do, the end's version lets one through."""

    def __init__(self, journal: Batching) -> None:
        self._journal = journal
        self._log = logging.getLogger(__name__)

    async def chain(self) -> int:
        """Chain the oldest facts that wait; how many were taken out, 0 also when somebody else was faster.

        INVARIANT: blocks, end, balances and what no longer waits are one commit. A crash leaves all of it or nothing.
        """
        waiting = await self._journal.find(UNCHAINED, {}, sort=[("time", 1), ("_id", 1)], limit=AT_ONCE)
        if not waiting:
            return 0
        # The end first: what is read after it is at least as new, and a newer end fails at its guard.
        noted = await self._journal.read(ENDS, HEAD)
        fresh = await self._fresh([entry_of(body) for fact in waiting for body in fact["entries"]])
        writes: list[Write] = [Delete(UNCHAINED, fact["_id"]) for fact in waiting]
        if fresh:
            writes += await self._growth(noted, fresh)
        crash_point("ledger.before_chained")
        try:
            await self._journal.commit_batch(writes, [])
        except (VersionConflict, AlreadyExists):
            return 0
        crash_point("ledger.after_chained")
        return len(waiting)

    async def page(self, owner: str, before: int, limit: int) -> tuple[Sequence[Numbered], int]:
        """Entries that touch an owner's accounts, newest first, and the next `before`, 0 at the end.

        before: number of the last one of the page before; 0: from the newest.
        """
        found: list[Numbered] = []
        where: dict[str, Any] = {"owners": owner}
        while len(found) <= limit:
            some = await self._journal.find(
                BLOCKS, where | ({"_id": {"$lt": before}} if before else {}), sort=[("_id", -1)], limit=4
            )
            for block in map(block_of, some):
                mine = [each for each in numbered(block) if owner in each.entry.owners]
                found += [each for each in reversed(mine) if not before or each.number < before]
            if len(some) < 4:
                break
            before = some[-1]["_id"]
        return found[:limit], found[limit - 1].number if len(found) > limit else 0

    async def has(self, entry: str) -> bool:
        """Whether an entry is chained."""
        return bool(await self._journal.find(BLOCKS, {"ids": entry}, limit=1))

    async def standing(self, owner: str, since: datetime) -> tuple[Balances, Sequence[Entry]]:
        """Balances of an owner and its entries since a time, both as of one moment. Aborted WRITE_CONFLICT."""
        for _ in range(ROUNDS):
            before = await self._journal.read(ENDS, HEAD)
            balances, recent = await self.balances(owner), await self.since(owner, since)
            if before == await self._journal.read(ENDS, HEAD):
                return balances, recent
        raise Aborted("WRITE_CONFLICT", "The ledger kept growing while it was read; try again.")

    async def since(self, owner: str, time: datetime) -> Sequence[Entry]:
        """Entries that touch an owner's accounts from `time` on, in the order of the chain."""
        found = await self._journal.find(BLOCKS, {"owners": owner, "latest": {"$gte": time}}, sort=[("_id", 1)])
        entries = (each.entry for document in found for each in numbered(block_of(document)))
        return [each for each in entries if owner in each.owners and each.time >= time]

    async def balances(self, owner: str) -> Balances:
        """Of all accounts of an owner, as far as they were ever touched."""
        return _balances(await self._journal.find(BALANCES, {"owner": owner}))

    async def _fresh(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that are not in the chain yet, each once."""
        known = await self._known([each.id for each in entries])
        fresh: dict[str, Entry] = {}
        for each in entries:
            former = known.get(each.id) or fresh.get(each.id)
            if former is None:
                fresh[each.id] = each
            elif canonical(former) != canonical(each):
                self._log.error("a fact was booked twice, and not alike", extra={"entry": each.id})
        return list(fresh.values())

    async def _known(self, ids: Collection[str]) -> Mapping[str, Entry]:
        found = await self._journal.find(BLOCKS, {"ids": {"$in": list(ids)}})
        entries = (each.entry for document in found for each in numbered(block_of(document)))
        return {each.id: each for each in entries if each.id in set(ids)}

    async def _growth(self, noted: Mapping[str, Any] | None, entries: Sequence[Entry]) -> list[Write]:
        """What makes the chain longer; `noted`: its end as stored."""
        last = await self._journal.find(BLOCKS, {}, sort=[("_id", -1)], limit=1)
        before = block_of(last[0]) if last else None
        head, blocks = extended(head_of(noted), before, entries)
        version = 0 if noted is None else noted["version"]
        end = head_document(head, version + 1)
        touched = balances_after({}, entries)
        names = [f"{account}|{currency}" for account, currency in touched]
        balances = balances_after(_balances(await self._journal.find(BALANCES, {"_id": {"$in": names}})), entries)
        return [
            Insert(ENDS, end) if noted is None else Replace(ENDS, end, version),
            *(_block_write(each, before) for each in blocks),
            *(Put(BALANCES, balance_document(*key, amount)) for key, amount in balances.items()),
        ]


async def verified(database: Database, anchor: Anchor | None = None) -> Verifier:
    """The whole ledger, walked once; while it grows, on to where it stood still for a moment."""
    verifier, last = Verifier(anchor), Block(0, (), (), (), (), EPOCH)
    blocks, ends = database.collection(BLOCKS), database.collection(ENDS)
    with reachable():
        while True:
            before = await ends.find_one({"_id": HEAD})
            # The last one may still grow, and is walked at the end.
            where = {"_id": {"$gte": last.first}} if last.entries else {}
            async for document in blocks.find(where, sort=[("_id", 1)], batch_size=100):
                following = block_of(document)
                if following.first > last.first and last.entries:
                    verifier.block(last)
                    await asyncio.sleep(0)  # 200 entries take a millisecond or two, and there may be many blocks
                last = following
            balances = [document async for document in database.collection(BALANCES).find({})]
            if before == await ends.find_one({"_id": HEAD}):
                break
    if last.entries:
        verifier.block(last)
    verifier.end(head_of(before), _balances(balances))
    return verifier


async def audit(database: Database, *, walk: bool) -> Audit | None:
    """The sums of all balances, which are zero in each currency; with `walk` every entry. None while it grows too fast.

    Unavailable.
    """
    ends, sums = database.collection(ENDS), Counter[str]()
    with reachable():
        before = await ends.find_one({"_id": HEAD})
        async for document in database.collection(BALANCES).find({}):
            sums[document["currency"]] += document["amount"]
        if before != await ends.find_one({"_id": HEAD}):
            return None
        waiting = await database.collection(UNCHAINED).count_documents({}, limit=MOST_COUNTED)
    findings = [f"balances sum to {amount} {currency}" for currency, amount in sorted(sums.items()) if amount]
    if walk:
        findings += [f"{each.fault.value} {each.number}: {each.what}" for each in (await verified(database)).findings]
    return Audit(findings, waiting, walk)


async def booked(journal: Batching, entries: Sequence[Entry]) -> None:
    """Entries that no change of a payment made, each a fact of its own; whoever chains them finds the same one once."""
    if entries:
        await journal.commit_batch([unchained(each.id, each.time, [each]) for each in entries], [])


async def entries_of(database: Database, owner: str, since: datetime, until: datetime) -> AsyncIterator[Entry]:
    """Entries of that time that touch an owner's accounts."""
    with reachable():
        where = {"owners": owner, "latest": {"$gte": since}}
        async for document in database.collection(BLOCKS).find(where, sort=[("_id", 1)]):
            for each in numbered(block_of(document)):
                if owner in each.entry.owners and since <= each.entry.time < until:
                    yield each.entry


def _block_write(block: Block, last: Block | None) -> Write:
    document = block_document(block)
    if last is not None and block.first == last.first:
        return Replace(BLOCKS, document, len(last.entries))
    return Insert(BLOCKS, document)


def _balances(documents: Sequence[Mapping[str, Any]]) -> Balances:
    return {(each["account"], each["currency"]): each["amount"] for each in documents}
