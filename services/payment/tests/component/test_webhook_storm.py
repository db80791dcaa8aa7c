"""The same webhook again and again, and forged ones, at the real service."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
import stripe

from domain_kit.refusals import Refusal, Unauthenticated
from mongo_store import Database, open_database
from payment_service.outbound.bookkeeping import INVOICES_DUE, UNCHAINED
from payment_service.outbound.ledger import BLOCKS
from payment_service.outbound.webhook_inbox import INBOX
from usher.payment.v1 import payment_pb2

SUCCEEDED = payment_pb2.PAYMENT_STATE_SUCCEEDED
FORGED, AT_ONCE = 600, 50


@pytest.fixture
async def database(running) -> AsyncIterator[Database]:
    async with open_database(running.settings.mongodb_uri, running.settings.database) as database:
        yield database


async def facts_of(database: Database, name: str) -> Counter[str]:
    """How often each domain event was written about a payment: each is one cause of a letter, an entry, a ticket."""
    rows = [row async for row in database.collection("journal").find({"agg": name})]
    return Counter(each["t"].rpartition(".")[2] for row in rows for each in row["ev"] if each["s"] == name)


async def test_one_webhook_a_hundred_times_at_once_has_one_effect(running, database, until) -> None:
    """INVARIANT: one change, one domain event, one set of postings, one invoice."""
    buyer = running.buyer()
    before, body, signature = await running.untold_success(buyer, until)
    answers = await asyncio.gather(*(running.door.deliver(body, signature) for _ in range(100)))
    assert set(answers) == {b"{}"}

    async def paid() -> bool:
        return (await buyer.get(before.name)).state == SUCCEEDED

    async def booked() -> bool:
        chained = await database.collection(BLOCKS).count_documents({"ids": f"{before.name}/captured"})
        return bool(chained) and not await database.collection(UNCHAINED).count_documents({})

    await until(paid)
    await until(booked)
    assert set(await asyncio.gather(*(running.door.deliver(body, signature) for _ in range(100)))) == {b"{}"}
    kept = [each async for each in database.collection(INBOX).find({"notice": json.loads(body)["id"]})]
    assert [each["open"] for each in kept] == [False]
    after = await buyer.get(before.name)
    assert int(after.etag.strip('"'), 16) == int(before.etag.strip('"'), 16) + 1
    assert (await facts_of(database, before.name))["PaymentSucceeded"] == 1
    ids = [id async for block in database.collection(BLOCKS).find({}) for id in block["ids"]]
    entries = Counter(id for id in ids if id.startswith(before.name))
    assert entries[f"{before.name}/captured"] == 1
    assert set(entries.values()) == {1}
    assert await database.collection(INVOICES_DUE).count_documents({"payment": before.name}) == 1
    assert await running.sandbox.captures(before.gateway_reference) == 1


async def test_hundreds_of_forged_webhooks_at_the_service_are_all_refused_and_none_is_kept(
    running, database, until, forge: Callable[[bytes, Random], bytes]
) -> None:
    """INVARIANT: what is not signed by the gateway changes nothing, not even what we keep."""
    buyer = running.buyer()
    before, body, signature = await running.untold_success(buyer, until)
    chance, wrong = Random("at the service"), set()
    while len(wrong) < FORGED:
        if len(wrong) % 2:
            wrong.add((forge(body, chance), signature))
        else:
            wrong.add((body, forge(signature.encode(), chance).decode("ascii")))
    refusals: Counter[str] = Counter()
    room = asyncio.Semaphore(AT_ONCE)

    async def send(mutated: bytes, signed: str) -> None:
        async with room:
            try:
                answer = await running.door.deliver(mutated, signed)
            except Unauthenticated as refusal:
                refusals[refusal.reason] += 1
            except Refusal as refusal:
                refusals[f"other: {refusal.reason}"] += 1
            else:
                refusals[f"believed: {answer!r} {signed} {mutated!r}"] += 1

    kept_before = await database.collection(INBOX).count_documents({})
    await asyncio.gather(*(send(*each) for each in wrong))
    assert set(refusals) <= {"WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TOO_OLD"}, refusals
    assert sum(refusals.values()) == FORGED >= 600
    assert await database.collection(INBOX).count_documents({}) == kept_before
    assert (await buyer.get(before.name)).state == payment_pb2.PAYMENT_STATE_REQUIRES_ACTION
    assert await running.door.deliver(body, signature) == b"{}"
    assert stripe.WebhookSignature.verify_header(body, signature, running.secret)
