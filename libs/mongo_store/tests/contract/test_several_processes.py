"""Two journals with clients of their own on one database stand for two replicas of a service."""

import asyncio
import random
from datetime import timedelta

import pytest

from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from mongo_store import open_database
from mongo_store.inbox import MongoInbox
from testkit.engines import mongo_process


async def test_replicas_that_write_one_aggregate_lose_no_update(mongo_uri, open_store):
    """INVARIANT: optimistic versions hold between processes."""
    name = f"test_{new_id()}"
    async with open_store(mongo_uri, name) as one, open_store(mongo_uri, name) as two:
        await one.new("jars/a")
        await asyncio.gather(*(store.add("jars/a") for store in (one, two) for _ in range(15)))
        assert (await two.jars.get("jars/a")).coins == 30
        assert sorted(await one.history("jars/a")) == list(range(1, 32))
        await one.journal.database.client.drop_database(name)


async def test_the_same_request_at_two_replicas_takes_effect_once(mongo_uri, open_store):
    name = f"test_{new_id()}"
    async with open_store(mongo_uri, name) as one, open_store(mongo_uri, name) as two:
        for number in range(10):
            await one.new(f"jars/{number}")
        answers = await asyncio.gather(
            *(store.add(f"jars/{n}", 5, key=f"k{n}") for n in range(10) for store in (one, two))
        )
        assert {(jar.coins, jar.version) for jar in answers} == {(5, 2)}
        await one.journal.database.client.drop_database(name)


async def test_neighbours_of_a_command_that_keeps_conflicting_are_committed(mongo_uri, open_store):
    """An open transaction of somebody else holds one document; only the command that needs it waits or fails."""
    name = f"test_{new_id()}"
    async with open_store(mongo_uri, name) as store:
        database = store.journal.database
        for number in range(8):
            await store.new(f"jars/{number}")
        async with await database.client.start_session() as session:
            session.start_transaction()
            await database.collection("jars").update_one({"_id": "jars/3"}, {"$inc": {"version": 1}}, session=session)
            everyone = [asyncio.create_task(store.add(f"jars/{n}")) for n in range(8)]
            done, _ = await asyncio.wait([task for n, task in enumerate(everyone) if n < 3], timeout=5)
            assert len(done) == 3
            await session.abort_transaction()
        assert [jar.coins for jar in await asyncio.gather(*everyone)] == [1] * 8
        await database.client.drop_database(name)


async def test_kill_minus_nine_between_steps_keeps_what_was_acknowledged_and_no_halves(open_store):
    """INVARIANT: state and domain events of every acknowledged command survive, and no command is half there."""
    with mongo_process() as engine:
        acknowledged: dict[str, int] = {}
        async with open_store(engine.uri, "crash") as store:
            names = [f"jars/{n}" for n in range(16)]
            await asyncio.gather(*(store.new(name) for name in names))
            running = True

            async def write(name):
                tries = 0
                while running:
                    tries += 1
                    try:
                        jar = await store.add(name, key=f"{name} {tries}")
                    except Unavailable:
                        continue
                    acknowledged[name] = max(jar.version, acknowledged.get(name, 0))

            writers = [asyncio.create_task(write(name)) for name in names]
            for _ in range(2):
                before = sum(acknowledged.values())
                while sum(acknowledged.values()) < before + 60:
                    await asyncio.sleep(0.005)
                engine.kill()
                await asyncio.to_thread(engine.start)
            before = dict(acknowledged)
            while any(acknowledged[name] <= before[name] for name in names):  # all go on by themselves
                await asyncio.sleep(0.01)
            running = False
            await asyncio.gather(*writers)
            for name in names:
                jar = await store.jars.get(name)
                assert jar.version >= acknowledged[name]
                assert jar.coins == jar.version - 1
                assert await store.history(name) == list(range(1, jar.version + 1))


async def test_a_repeat_after_a_lost_answer_finds_out_what_happened(open_store):
    with mongo_process() as engine:
        async with open_store(engine.uri, "crash") as store:
            await store.new("jars/a")
            first = await store.add("jars/a", 7, key="k")
            engine.kill()
            await asyncio.to_thread(engine.start)
            assert await store.add("jars/a", 7, key="k") == first
            assert await store.history("jars/a") == [1, 2]


async def test_a_database_that_is_not_there_is_unavailable():
    nowhere = "mongodb://127.0.0.1:1/?replicaSet=none"
    async with open_database(nowhere, "none", patience=timedelta(milliseconds=200)) as database:
        with pytest.raises(Unavailable) as refusal:
            await database.ping()
        assert refusal.value.reason == "STORE_UNAVAILABLE"
        assert refusal.value.retry_after is not None


async def test_a_caller_that_gives_up_takes_nobody_along(mongo_store):
    await mongo_store.new("jars/a")
    await mongo_store.new("jars/b")
    leaving = [asyncio.create_task(mongo_store.add("jars/a", key=f"leave{n}")) for n in range(4)]
    staying = [asyncio.create_task(mongo_store.add("jars/b", key=f"stay{n}")) for n in range(4)]
    await asyncio.sleep(0.003)
    for task in leaving:
        task.cancel()
    assert (await asyncio.gather(*staying))[-1].coins == 4
    jar = await mongo_store.jars.get("jars/a")
    assert jar.coins == jar.version - 1


async def test_many_commits_share_transactions(mongo_uri, open_store):
    class Counting:
        def __init__(self):
            self.sizes = []

        def committed(self, commands, seconds):
            assert seconds > 0
            self.sizes.append(commands)

        def retried(self, kind):
            raise AssertionError(kind)

        def refused(self, kind):
            raise AssertionError(kind)

    counting, name = Counting(), f"test_{new_id()}"
    async with open_store(mongo_uri, name, metrics=counting, batch_limit=16) as store:
        await asyncio.gather(*(store.new(f"jars/{n}") for n in range(50)))
        assert sum(counting.sizes) == 50
        assert max(counting.sizes) == 16
        assert len(counting.sizes) <= 8
        await store.add("jars/1", key="k")
        assert counting.sizes[-1] == 1
        await store.journal.database.client.drop_database(name)


async def test_members_that_race_never_lower_a_position(mongo_uri):
    """INVARIANT: whoever raises it last, and whatever was read before, a position is the highest that was reached."""
    name, chance, highest = f"test_{new_id()}", random.Random(3), dict[str, int]()
    async with open_database(mongo_uri, name) as one, open_database(mongo_uri, name) as other:

        async def member(inbox):
            for _ in range(12):
                subjects = chance.sample([f"jars/{number}" for number in range(20)], 12)
                reached = dict(highest)
                before = await inbox.positions("tests", subjects)
                assert all(before.get(each, 0) >= reached.get(each, 0) for each in subjects)
                raised = {each: before.get(each, 0) + chance.randint(1, 3) for each in subjects}
                await inbox.advance("tests", raised, before)
                for each, version in raised.items():
                    highest[each] = max(version, highest.get(each, 0))

        await asyncio.gather(*(member(MongoInbox(each)) for each in (one, other) for _ in range(4)))
        assert await MongoInbox(one).positions("tests", list(highest)) == highest
        await one.client.drop_database(name)
