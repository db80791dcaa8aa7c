"""Webhooks in MongoDB, with their raw bodies for thirty days."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from domain_kit.crash_points import crash_point
from domain_kit.money import Money
from mongo_store import Database, Index
from mongo_store.database import reachable
from mongo_store.gathering import Gathering, Waiting
from mongo_store.pieces import AT_ONCE
from payment_service.domain.gateways import (
    Delivery,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Progress,
)
from payment_service.domain.webhook_inbox import Kept, next_try

INBOX = "webhooks"
KEPT_FOR = timedelta(days=30)
UNTIL_CLOSED = 0.2  # seconds in which those that were applied are gathered; nobody waits for that
INBOX_INDEXES = {
    INBOX: [
        Index("by_due", [("due", 1)], where={"open": True}),
        Index("expires", [("receive_time", 1)], expire_after=KEPT_FOR),
    ]
}
# Never kept: what says who we are.
SECRET_HEADERS = frozenset({"authorization", "cookie"})


@dataclass(slots=True, eq=False)
class _New:
    """One to be kept; `inserted` says afterwards whether it was not there yet."""

    document: dict[str, Any]
    kept: Kept
    inserted: bool = False

    @property
    def id(self) -> str:
        """As Kept."""
        return self.kept.id


class MongoWebhookInbox:
    """payment_service.domain.webhook_inbox.WebhookInbox. Concurrent calls of a process share a write."""

    def __init__(self, database: Database) -> None:
        self._database, self._kept = database, database.collection(INBOX)
        self._keeping: Gathering[_New] = Gathering(self._insert, lambda new: frozenset({new.id}), limit=AT_ONCE)
        self._closing: Gathering[str] = Gathering(self._close, lambda _: frozenset(), limit=AT_ONCE, pause=UNTIL_CLOSED)

    async def keep(
        self,
        gateway: str,
        notices: Sequence[Notice],
        delivery: Delivery,
        now: datetime,
        *,
        applied: Collection[str] = (),
    ) -> Sequence[Kept]:
        """Those that are new, with the raw delivery; the others change nothing. Unavailable.

        Those new ones that say something are given back to be applied at once; nobody else takes them before their
        next try is due. Those of `applied` are kept as closed: one write instead of two.
        """
        headers = [[name, value] for name, value in delivery.headers.items() if name not in SECRET_HEADERS]
        raw = {"body": delivery.body, "headers": headers, "url": delivery.url, "receive_time": now, "tries": 0}
        new = []
        for each in notices or (Notice(hashlib.sha256(delivery.body).hexdigest()),):
            kept = Kept(gateway, each, now)
            says = bool(each.key or each.reference) and each.id not in applied
            about = {"gateway": gateway, **_notice_document(each), "open": says}
            new.append(_New({"_id": kept.id, **raw, **about, "due": next_try(kept, now)}, kept))
        if len(new) == 1:
            await self._keeping.submit(new[0])
        else:
            await asyncio.gather(*(self._keeping.submit(each) for each in new))
        return [each.kept for each in new if each.inserted and each.document["open"]]

    async def take(self, now: datetime, limit: int) -> Sequence[Kept]:
        """Those due, each put off to its next try; what is given up is closed."""
        taken: list[Kept] = []
        with reachable():
            due = await self._kept.find(
                {"open": True, "due": {"$lte": now}}, sort=[("due", 1)], limit=limit
            ).to_list(limit)  # fmt: skip
            for document in due:
                kept = _kept(document)
                following = next_try(kept, now)
                change: dict[str, Any] = {"open": False} if following is None else {"due": following}
                same = {"_id": document["_id"], "due": document["due"], "open": True}
                found = await self._kept.update_one(same, {"$set": change, "$inc": {"tries": 1}})
                if found.modified_count and following is not None:
                    taken.append(kept)
            if taken:
                crash_point("payment.webhook.after_taken")
        return taken

    async def done(self, kept: Kept) -> None:
        """It was applied, or says nothing."""
        await self._closing.submit(kept.id)

    async def _insert(self, batch: Sequence[Waiting[_New]]) -> None:
        """What is there already is no trouble: the same notice was delivered again."""
        there = await self._database.insert_new(INBOX, [each.work.document for each in batch])
        crash_point("payment.webhook.after_kept")
        for place, each in enumerate(batch):
            each.work.inserted = place not in there
            each.settle(None)

    async def _close(self, batch: Sequence[Waiting[str]]) -> None:
        with reachable():
            await self._kept.update_many({"_id": {"$in": [each.work for each in batch]}}, {"$set": {"open": False}})
        crash_point("payment.webhook.after_done")
        for each in batch:
            each.settle(None)


def _kept(document: dict[str, Any]) -> Kept:
    return Kept(document["gateway"], _notice(document), document["receive_time"], document["tries"])


def _notice_document(notice: Notice) -> dict[str, Any]:
    intent, refunds = notice.intent, notice.refunds.items()
    return {
        "notice": notice.id,
        "key": notice.key,
        "reference": notice.reference,
        "paid": notice.paid,
        "refunds": [[id, refund.reference, refund.progress.value] for id, refund in refunds],
        "intent": None if intent is None else _intent_document(intent),
    }


def _intent_document(intent: Intent) -> dict[str, Any]:
    """What a word can say; what the payer's browser needs comes with no webhook."""
    failure, captured = intent.failure, intent.captured
    return {
        "reference": intent.reference,
        "state": intent.state.value,
        "failure": None if failure is None else {**asdict(failure), "kind": failure.kind.value},
        "captured": None if captured is None else asdict(captured),
        "disputed": intent.disputed,
        "lost": intent.lost,
        "dispute": intent.dispute,
        "disputed_amount": None if intent.disputed_amount is None else asdict(intent.disputed_amount),
        "dispute_fee": None if intent.dispute_fee is None else asdict(intent.dispute_fee),
        "trace": intent.trace,
    }


def _notice(document: Mapping[str, Any]) -> Notice:
    refunds = {id: GatewayRefund(reference, Progress(progress)) for id, reference, progress in document["refunds"]}
    said = document["intent"]
    intent = None if said is None else _intent(said)
    paid = bool(document.get("paid"))
    return Notice(document["notice"], document["key"], document["reference"], refunds, intent, paid)


def _intent(document: Mapping[str, Any]) -> Intent:
    failure, captured = document["failure"], document["captured"]
    amount, fee = document.get("disputed_amount"), document.get("dispute_fee")
    return Intent(
        document["reference"],
        IntentState(document["state"]),
        failure=None if failure is None else Failure(**{**failure, "kind": FailureKind(failure["kind"])}),
        captured=None if captured is None else Money(**captured),
        disputed=document["disputed"],
        lost=document.get("lost", False),
        dispute=document.get("dispute", ""),
        disputed_amount=None if amount is None else Money(**amount),
        dispute_fee=None if fee is None else Money(**fee),
        trace=document["trace"],
    )
