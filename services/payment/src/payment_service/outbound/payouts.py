"""Payouts in MongoDB, each with its entries in one commit, in turns for each organizer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from domain_kit.refusals import AlreadyExists, NotFound
from domain_kit.repository import Cause, Page
from mongo_store import Index, Insert, Replace, RequestRepeated, VersionConflict
from mongo_store.keyset import after_cursor
from mongo_store.repository import Journaling
from payment_service.domain.ledger import Entry
from payment_service.domain.payout import Payout, Transfer
from payment_service.outbound.accounting_events import payout_created
from payment_service.outbound.bookkeeping import unchained

PAYOUTS, TURNS = "payouts", "payout_turns"
INDEXES = {PAYOUTS: [Index("by_organizer", [("organizer", 1), ("create_time", -1), ("_id", -1)])]}
NEWEST_FIRST = [("create_time", -1), ("_id", -1)]


class MongoPayouts:
    """payment_service.domain.ledger_ports.Payouts."""

    def __init__(self, journal: Journaling) -> None:
        self._journal = journal

    async def answer_to(self, cause: Cause) -> Payout | None:
        """What this cause was answered before; InvalidArgument REQUEST_ID_REUSED."""
        document = await self._journal.answer_to(cause)
        return None if document is None else payout_of(document)

    async def get(self, name: str) -> Payout:
        """NotFound RESOURCE_NOT_FOUND."""
        document = await self._journal.read(PAYOUTS, name)
        if document is None:
            raise NotFound.named(name)
        return payout_of(document)

    async def last(self, organizer: str) -> tuple[str, int]:
        """Name of the newest, empty before the first, and how many there were."""
        turn = await self._journal.read(TURNS, organizer)
        return ("", 0) if turn is None else (turn["payout"], turn["version"])

    async def add(self, payout: Payout, entries: Sequence[Entry], number: int, *, cause: Cause) -> Payout | None:
        """Store the one after `number` others; None when another came first."""
        document = payout_document(payout)
        turn = {"_id": payout.organizer, "version": number + 1, "payout": payout.name}
        writes = [
            Insert(PAYOUTS, document),
            Replace(TURNS, turn, number) if number else Insert(TURNS, turn),
            unchained(payout.name, payout.create_time, entries),
        ]
        try:
            await self._journal.commit(writes, payout_created(payout, cause, document))
        except RequestRepeated as repeat:
            return payout_of(repeat.answer)
        except (VersionConflict, AlreadyExists):
            return None
        return payout

    async def list_page(self, organizer: str, after: tuple[Any, ...] | None, limit: int) -> Page[Payout]:
        """Of an organizer, newest first."""
        where: Mapping[str, Any] = {"organizer": organizer}
        wanted = where if after is None else {"$and": [where, after_cursor(NEWEST_FIRST, after)]}
        found = await self._journal.find(PAYOUTS, wanted, sort=NEWEST_FIRST, limit=limit + 1)
        items = [payout_of(document) for document in found[:limit]]
        following = (items[-1].create_time, items[-1].name) if len(found) > limit else None
        return Page(items, following)


def payout_document(payout: Payout) -> dict[str, Any]:
    """A payout as stored."""
    document = asdict(payout)
    return {"_id": document.pop("name"), **document}


def payout_of(document: Mapping[str, Any]) -> Payout:
    """The reverse."""
    return Payout(
        document["_id"],
        document["organizer"],
        tuple(Money(**each) for each in document["amounts"]),
        tuple(Money(**each) for each in document["taxes"]),
        tuple(Transfer(each["recipient"], Money(**each["amount"])) for each in document["transfers"]),
        document["create_time"],
        document["requester"],
        document["version"],
    )
