"""A process that dies in the middle of a transaction leaves documents locked; the others do not wait for the server."""

import asyncio
import os
import random
import signal
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

from domain_kit.ids import new_id
from mongo_store import Insert, Put, open_database, sessions
from mongo_store.metrics import NoMetrics
from mongo_store.sessions import OLDEST_SECONDS, OPEN_SESSIONS
from mongo_store.transaction import transact

DIES = """
import asyncio, os, sys
from domain_kit.crash_points import arm
from mongo_store import Put, open_database
from mongo_store.metrics import NoMetrics
from mongo_store.transaction import transact

async def main():
    async with open_database(sys.argv[1], sys.argv[2]) as database:
        await transact(database, [Put("jars", {"_id": "a", "version": 2})], NoMetrics())

arm(os.environ)
asyncio.run(main())
"""


async def die_before_commit(uri: str, name: str) -> None:
    environment = {**os.environ, "USHER_CRASH_AT": "store.before_commit", "USHER_CRASH_ALLOWED": "yes"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, uri, name, env=environment)
    assert await process.wait() == -signal.SIGKILL


async def test_what_a_dead_process_was_about_to_commit_blocks_nobody_for_long(mongo_uri):
    """INVARIANT: no death of a process stops a sale for the minute that a server waits for a commit."""
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as database:
        await transact(database, [Insert("jars", {"_id": "a", "version": 1})], NoMetrics())
        await die_before_commit(mongo_uri, name)
        began = time.monotonic()
        await transact(database, [Put("jars", {"_id": "a", "version": 3})], NoMetrics(), conflict_patience=30)
        assert time.monotonic() - began < 15  # about four seconds, and the machine's own slowness
        assert (await database.collection("jars").find_one({"_id": "a"}))["version"] == 3
        await database.client.drop_database(name)


async def test_it_does_not_block_who_writes_outside_transactions_either(mongo_uri):
    """Nobody tells them what they wait for."""
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as database, database.sessions.watched():
        await transact(database, [Insert("jars", {"_id": "a", "version": 1})], NoMetrics())
        await die_before_commit(mongo_uri, name)
        began = time.monotonic()
        await database.collection("jars").update_one({"_id": "a"}, {"$set": {"version": 3}})
        assert time.monotonic() - began < 15  # about four seconds, two more, and the machine's own slowness
        assert (await database.collection("jars").find_one({"_id": "a"}))["version"] == 3
        await database.client.drop_database(name)


async def test_who_lives_is_left_alone(mongo_uri):
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as one, open_database(mongo_uri, name) as other:
        async with one.sessions.take() as session:
            session.start_transaction()
            await one.collection("jars").insert_one({"_id": "a"}, session=session)
            assert await other.sessions.end_abandoned() == 0
            await session.commit_transaction()
        assert await other.collection("jars").count_documents({}) == 1
        await one.client.drop_database(name)


async def test_sessions_are_used_again_but_not_after_trouble(mongo_uri):
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as database:
        async with database.sessions.take() as first:
            async with database.sessions.take() as second:
                assert first is not second
        async with database.sessions.take() as third:
            assert third in (first, second)
        try:
            async with database.sessions.take() as failing:
                raise RuntimeError
        except RuntimeError:
            pass
        async with database.sessions.take() as fourth:
            assert fourth is not failing
        assert len((await database.collection(OPEN_SESSIONS).find_one({}))["ids"]) <= 2
    async with open_database(mongo_uri, name) as database:
        assert await database.collection(OPEN_SESSIONS).count_documents({}) == 0
        await database.client.drop_database(name)


async def test_a_transaction_that_is_cancelled_is_there_wholly_or_not_at_all(mongo_uri):
    """INVARIANT: whenever a caller goes away, nothing is torn, nothing stays locked, no session is kept for it."""
    name, chance = f"test_{new_id()}", random.Random(5)
    async with open_database(mongo_uri, name) as database:
        for number in range(60):
            both = [Insert(jar, {"_id": number}) for jar in ("jars", "lids")]
            writing = asyncio.create_task(transact(database, [*both, Put("hot", {"_id": "h"})], NoMetrics()))
            await asyncio.sleep(chance.uniform(0, 0.006))
            writing.cancel()
            await asyncio.wait({writing})
        await transact(database, [Put("hot", {"_id": "h"})], NoMetrics(), conflict_patience=5)
        jars, lids = [{each["_id"] async for each in database.collection(one).find({})} for one in ("jars", "lids")]
        assert jars == lids
        assert len((await database.collection(OPEN_SESSIONS).find_one({}))["ids"]) <= 2
        await database.client.drop_database(name)


async def test_who_books_again_and_again_does_not_wait_for_signs_of_life(mongo_uri, monkeypatch):
    """They are renewed when a transaction has ended, and each begins with one that is young enough."""
    name, now, waited = f"test_{new_id()}", 0.0, list[float]()
    monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: now))
    async with open_database(mongo_uri, name) as database:
        notes, note = database.sessions, database.sessions._note

        async def noted():
            waited.append(now)
            await note()

        monkeypatch.setattr(notes, "_note", noted)
        for now in (0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 3.0):
            begun = len(waited)
            async with notes.take():
                assert (len(waited) > begun) == (now in (0.0, 3.0)), now
                assert now - notes._noted < OLDEST_SECONDS
            if notes._renewing is not None:
                await notes._renewing
        assert waited == [0.0, 0.6, 1.2, 3.0]
        await database.client.drop_database(name)


async def test_a_session_that_is_made_while_others_are_noted_is_noted_too(mongo_uri):
    """INVARIANT: a transaction begins only when others can end it."""
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as database:
        notes = database.sessions

        async def begin():
            async with notes.take() as session:
                noted = await database.collection(OPEN_SESSIONS).find_one({})
                return session.session_id["id"] in noted["ids"]

        for delay in range(40):
            notes._noted = float("-inf")
            notes._free.clear()
            first = asyncio.create_task(begin())
            for _ in range(delay):
                await asyncio.sleep(0)
            assert all(await asyncio.gather(first, begin())), delay
        await database.client.drop_database(name)


async def test_who_is_taken_for_dead_by_mistake_does_it_again(mongo_uri, monkeypatch):
    """INVARIANT: each transaction is there once and wholly, however often others end its session."""
    monkeypatch.setattr(sessions, "ALIVE_FOR", timedelta(seconds=-1))
    monkeypatch.setattr(sessions, "LOOK_SECONDS", 0.0)
    name, ended = f"test_{new_id()}", 0
    async with open_database(mongo_uri, name) as living, open_database(mongo_uri, name) as mistaken:

        async def end_again_and_again():
            nonlocal ended
            while True:
                ended += await mistaken.sessions.end_abandoned()

        ending = asyncio.create_task(end_again_and_again())
        for number in range(60):
            living.sessions._noted = float("-inf")
            both = [Insert(jar, {"_id": number}) for jar in ("jars", "lids")]
            await transact(living, [*both, Put("hot", {"_id": "h"})], NoMetrics())
        ending.cancel()
        await asyncio.wait({ending})
        for jar in ("jars", "lids"):
            assert await living.collection(jar).count_documents({}) == 60
        assert ended >= 20
        await living.client.drop_database(name)
