"""A database is expanded before new code runs, contracted when no old code runs, and refuses code it is too new for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, Unavailable
from mongo_store import CodeTooOld, Database, Index, Migration, OlderCodeRuns, Schema, open_database
from mongo_store import schema as schema_module
from mongo_store.instances import noted, older_instances
from mongo_store.schema import FIRST, State, admit, contract, prepare, read_state

JARS = "jars"


async def add_litres(database: Database) -> None:
    """What version 2 reads beside `pints`, which version 1 goes on reading and writing."""
    async for jar in database.collection(JARS).find({"litres": {"$exists": False}}):
        await database.collection(JARS).update_one({"_id": jar["_id"]}, {"$set": {"litres": jar["pints"] / 2}})


async def drop_pints(database: Database) -> None:
    await add_litres(database)  # those that old code has written since
    await database.collection(JARS).update_many({}, {"$unset": {"pints": ""}})


BY_PINTS, BY_LITRES = Index("by_content", [("pints", 1)]), Index("by_content", [("litres", 1)])
OLD = Schema({JARS: [BY_PINTS]})
NEW = Schema({JARS: [BY_LITRES]}, [Migration(2, expand=add_litres, contract=drop_pints)])
NEWER = Schema({JARS: [BY_LITRES]}, [*NEW.migrations, Migration(3)])


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, f"test_{new_id()}") as database:
        await prepare(database, OLD)
        await database.collection(JARS).insert_one({"_id": "jars/1", "pints": 4})
        yield database
        await database.client.drop_database(database.name)


def running(database: Database, schema: Schema, **options: object):
    return noted(database, schema.version, partial(admit, database, schema), **options)


async def jar(database: Database) -> dict:
    return await database.collection(JARS).find_one({"_id": "jars/1"}, {"_id": 0})


async def content_index(database: Database) -> str:
    return (await database.collection(JARS).index_information())["by_content"]["key"][0][0]


async def test_expanding_leaves_what_older_code_works_with(database):
    assert await prepare(database, NEW) == ["expanded to version 2"]
    assert await jar(database) == {"pints": 4, "litres": 2}
    assert await read_state(database) == State(version=2, minimum=FIRST, contracted=FIRST)
    async with running(database, OLD):
        assert await older_instances(database, 2) != {}


async def test_preparing_again_changes_nothing(database):
    await prepare(database, NEW)
    assert await prepare(database, NEW) == []
    assert await read_state(database) == State(2, FIRST, FIRST)


async def test_many_prepare_at_the_same_time(database):
    await database.collection(JARS).insert_many([{"_id": f"jars/{n}", "pints": n} for n in range(2, 60)])
    await asyncio.gather(*(prepare(database, NEW) for _ in range(4)))
    litres = [each["litres"] * 2 == each["pints"] async for each in database.collection(JARS).find({})]
    assert litres == [True] * 59
    assert await read_state(database) == State(2, FIRST, FIRST)


async def test_a_fresh_database_prepared_by_many_at_once_is_there_once(mongo_uri):
    async with open_database(mongo_uri, f"test_{new_id()}") as database:
        await asyncio.gather(*(prepare(database, OLD) for _ in range(4)))
        assert await database.collection("schema").count_documents({}) == 1
        assert await content_index(database) == "pints"


async def test_older_code_that_starts_again_leaves_the_indexes_of_newer_code(database):
    await prepare(database, NEW)
    assert await prepare(database, OLD) == ["left as version 2 has prepared it"]
    assert await content_index(database) == "litres"
    assert (await read_state(database)).version == 2


async def test_contracting_waits_until_no_older_code_runs(database):
    async with running(database, OLD), running(database, NEW):
        with pytest.raises(OlderCodeRuns, match=r"older than schema version 2 still runs: \S+/\d+ \(version 1\)"):
            await contract(database, NEW)
        assert await jar(database) == {"pints": 4, "litres": 2}
        assert await read_state(database) == State(2, FIRST, FIRST)
        async with running(database, OLD):  # one that dies may still be replaced
            pass
    assert await contract(database, NEW) == ["contracted to version 2"]
    assert await jar(database) == {"litres": 2}
    assert await read_state(database) == State(2, minimum=2, contracted=2)


async def test_contracting_again_changes_nothing(database):
    await contract(database, NEW)
    assert await contract(database, NEW) == []
    assert await contract(database, NEWER) == []
    assert await read_state(database) == State(version=3, minimum=2, contracted=2)


async def test_after_contracting_older_code_is_refused_with_one_line(database):
    await contract(database, NEW)
    with pytest.raises(
        CodeTooOld, match=rf"database {database.name} needs code of schema version 2 or later, this is 1"
    ):
        await prepare(database, OLD)
    with pytest.raises(CodeTooOld):
        async with running(database, OLD):
            pytest.fail("it ran")
    assert await older_instances(database, 2) == {}, "who is refused leaves no note"
    async with running(database, NEWER):
        pass


async def test_contracting_after_a_crash_in_the_middle_goes_on(database):
    crashes = iter([True])

    async def crash_once(database: Database) -> None:
        if next(crashes, False):
            raise ConnectionResetError
        await drop_pints(database)

    schema = Schema({JARS: [BY_LITRES]}, [Migration(2, expand=add_litres, contract=crash_once)])
    with pytest.raises(ConnectionResetError):
        await contract(database, schema)
    assert await read_state(database) == State(2, minimum=2, contracted=FIRST), "refused from the first moment on"
    assert await contract(database, schema) == ["contracted to version 2"]
    assert await jar(database) == {"litres": 2}


async def test_a_contract_that_breaks_off_before_anything_is_taken_away_shuts_nobody_out(database, monkeypatch):
    for trouble in (Unavailable("STORE_UNAVAILABLE", "gone"), asyncio.CancelledError()):

        async def away(*_: object, trouble: BaseException = trouble) -> None:
            raise trouble

        with monkeypatch.context() as patched:
            patched.setattr(schema_module, "older_instances", away)
            with pytest.raises(type(trouble)):
                await contract(database, NEW)
        assert await read_state(database) == State(2, FIRST, FIRST)
    async with running(database, OLD):
        with pytest.raises(OlderCodeRuns):
            await contract(database, NEW)
        assert await read_state(database) == State(2, FIRST, FIRST)


@pytest.fixture
async def killed(database, monkeypatch):
    """A contract that was killed while it looked for older code, less than a minute ago."""

    async def nothing(*_: object) -> None:
        pass

    async def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(schema_module, "older_instances", die)
        patched.setattr(schema_module, "_take_back", nothing)
        with pytest.raises(SystemExit):
            await contract(database, NEW)
    assert await read_state(database) == State(2, minimum=2, contracted=FIRST)


async def a_minute_passes(database: Database) -> None:
    await database.collection("schema").update_one(
        {}, {"$set": {"contracting.until": utc_now() - timedelta(seconds=1)}}
    )


@pytest.mark.usefixtures("killed")
async def test_a_contract_beside_another_is_refused_and_one_that_was_killed_is_forgotten_after_a_minute(database):
    with pytest.raises(Aborted, match="ALREADY_CONTRACTING"):
        await contract(database, NEW)
    assert await read_state(database) == State(2, minimum=2, contracted=FIRST)
    await a_minute_passes(database)
    assert await contract(database, NEW) == ["contracted to version 2"]
    assert await database.collection("schema").find_one({}, {"_id": 0}) == {
        "version": 2, "minimum": 2, "contracted": 2,
    }  # fmt: skip


@pytest.mark.usefixtures("killed")
async def test_what_a_killed_contract_shut_out_is_let_in_by_a_repeat_that_finds_older_code(database):
    note = {"_id": "1", "name": "host/7", "code": 1, "until": utc_now() + timedelta(minutes=1)}
    await database.collection("instances").insert_one(note)
    await a_minute_passes(database)
    with pytest.raises(OlderCodeRuns):
        await contract(database, NEW)
    assert await read_state(database) == State(2, FIRST, FIRST)


async def test_who_contracts_too_late_takes_nothing_away(database, monkeypatch):
    """INVARIANT: nothing is taken away by who looked for older code before another let it in again."""

    async def stall(*_: object) -> dict[str, int]:
        monkeypatch.undo()
        await a_minute_passes(database)
        monkeypatch.setattr(schema_module, "older_instances", finds)
        with pytest.raises(OlderCodeRuns):
            await contract(database, NEW)
        return {}

    async def finds(*_: object) -> dict[str, int]:
        return {"host/7": 1}

    monkeypatch.setattr(schema_module, "older_instances", stall)
    with pytest.raises(Aborted, match="ALREADY_CONTRACTING"):
        await contract(database, NEW)
    assert await read_state(database) == State(2, FIRST, FIRST)
    assert await jar(database) == {"pints": 4, "litres": 2}


async def test_a_process_that_was_killed_is_forgotten_after_a_while(database, mongo_uri):
    """Killed with signal 9: its note stays until its time is over."""
    script = f"""
import asyncio, os, signal
from datetime import timedelta
from mongo_store import open_database
from mongo_store import schema as schema_module
from mongo_store.instances import noted

async def main():
    async def anything(): pass
    async with open_database({mongo_uri!r}, {database.name!r}) as database:
        async with noted(database, 1, anything, alive_for=timedelta(seconds={{seconds}})):
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    for seconds, counts in ((60, True), (0, False)):
        await database.collection("instances").delete_many({})
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script.format(seconds=seconds))
        await process.wait()
        assert bool(await older_instances(database, 2)) is counts


async def test_a_process_that_was_taken_for_dead_ends_itself_when_it_comes_back(database):
    outdated = asyncio.Event()
    brief = {"renew_seconds": 0.01, "alive_for": timedelta(0), "outdated": outdated.set}
    async with running(database, OLD, **brief), asyncio.timeout(10):
        contracted = False
        while not contracted:  # a sign of life just before the notes are read keeps the process alive once more
            with suppress(OlderCodeRuns):
                await contract(database, NEW)
                contracted = True
        await outdated.wait()


async def test_a_process_that_is_alive_is_not_ended_by_who_only_tries_to_contract(database):
    async with running(database, OLD, renew_seconds=0.01, outdated=lambda: pytest.fail("ended")):
        for _ in range(5):
            with pytest.raises(OlderCodeRuns):
                await contract(database, NEW)


def test_versions_of_migrations_count_up():
    for versions in ([1], [3], [2, 4], [3, 2], [2, 2]):
        with pytest.raises(ValueError, match="count up from 2"):
            Schema(migrations=[Migration(each) for each in versions])
    assert (OLD.version, NEW.version, NEWER.version) == (1, 2, 3)


def test_indexes_of_several_modules_are_put_together():
    other = Index("by_label", [("label", 1)])
    together = Schema.of({JARS: [BY_PINTS]}, {JARS: [other], "lids": [other]}).indexes
    assert together == {JARS: [BY_PINTS, other], "lids": [other]}
