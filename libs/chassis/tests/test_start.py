"""A service started from its command line serves, prepares, contracts, or says in one line why not."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from chassis.chassis import NEEDS_NEWER_CODE
from chassis.operating import MISUSED
from chassis.start import FAILED, OLDER_CODE_RUNS
from domain_kit.backbone import InboxEvent, ParkedEvent
from domain_kit.ids import new_id
from mongo_store import Migration, MongoInbox, Schema, open_database
from mongo_store.instances import noted
from mongo_store.schema import State, contract, prepare, read_state
from testkit.engines import mongo_engine

PROGRAM = """
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from chassis import open_chassis, start
from environment import ServiceSettings
from grpc_runtime import Service
from mongo_store import Index, Migration, Schema

VERSION = int(sys.argv.pop(1))

async def nothing(database): pass

MIGRATIONS = [Migration(n, nothing, nothing) for n in range(2, VERSION + 1)]
SCHEMA = Schema({"jars": [Index("label", [("label", 1)])]}, MIGRATIONS)

@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    service: str = "SERVICE"

@asynccontextmanager
async def build(settings, metrics):
    async with open_chassis(settings, metrics, SCHEMA) as chassis:
        yield Service(servicers=[], health=chassis.health)

async def beside(settings, database):
    return [f"beside {database.name}"]

start(build, SCHEMA, Settings, beside=beside)
"""


DEAD = (
    '{"consumer": "CONSUMER", "id": "00000000000000000000000000", "type": "usher.jars.v1.JarFilled", '
    '"subject": "jars/a", "version": 3, "dead": true, "attempts": 4, "reason": "UNDECODABLE"}'
)


@pytest.fixture(scope="module")
def mongo() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture
def service() -> str:
    return f"jars_{new_id()}"


@pytest.fixture
def run(mongo, service):
    """`await run(version, *arguments, **environment)`: exit code and what was said, a line each."""

    async def program(version, *arguments, **environment):
        given = {
            "PATH": os.environ["PATH"], "USHER_MONGODB_URI": mongo, "USHER_KAFKA_BROKERS": "127.0.0.1:1",
            "USHER_PAGE_TOKEN_KEY": "k" * 32, "USHER_JWKS_TARGET": "127.0.0.1:1", **environment,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM.replace("SERVICE", service), str(version), *arguments, env=given,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(60):
                said, _ = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return process.returncode, said.decode().splitlines()

    return program


def schema(version):
    async def nothing(database):
        pass

    return Schema(migrations=[Migration(each, nothing, nothing) for each in range(2, version + 1)])


async def test_prepare_makes_indexes_expands_and_says_what_it_did(run, mongo, service):
    code, (line,) = await run(2, "prepare")
    assert (code, json.loads(line)["steps"]) == (0, ["expanded to version 2", f"beside usher_{service}"])
    async with open_database(mongo, f"usher_{service}") as database:
        assert "label" in await database.collection("jars").index_information()
        assert await read_state(database) == State(version=2)
    code, (line,) = await run(2, "prepare")
    assert (code, json.loads(line)["steps"]) == (0, [f"beside usher_{service}"])


async def test_code_that_the_database_is_too_new_for_is_refused_with_one_line_and_its_own_exit_code(
    run, mongo, service
):
    async with open_database(mongo, f"usher_{service}") as database:
        await contract(database, schema(3))
    for command in ("serve", "prepare", "contract"):
        code, (line,) = await run(2, command)
        assert code == NEEDS_NEWER_CODE
        assert "needs code of schema version 3 or later, this is 2" in json.loads(line)["message"]


async def test_contract_is_refused_while_older_code_runs_and_done_after_it(run, mongo, service):
    async def anything():
        pass

    async with open_database(mongo, f"usher_{service}") as database:
        await prepare(database, schema(1))
        async with noted(database, 1, anything):
            code, (line,) = await run(2, "contract")
            assert (code, "still runs" in json.loads(line)["message"]) == (OLDER_CODE_RUNS, True)
        code, (line,) = await run(2, "contract")
        assert (code, json.loads(line)["steps"]) == (0, ["contracted to version 2"])


async def test_operators_see_what_lies_aside_and_let_it_be_tried_again(run, mongo, service):
    event = InboxEvent(
        "0" * 26, "usher.jars.v1.JarFilled", "//usher/x", "jars/a", 3, datetime(2026, 1, 1, tzinfo=UTC), b"", "", ""
    )
    consumer = f"{service}.lids"
    async with open_database(mongo, f"usher_{service}") as database:
        inbox = MongoInbox(database)
        await inbox.park(ParkedEvent(consumer, event, True, "UNDECODABLE", 4, event.time))
        assert await run(1, "dead-letters") == (0, [DEAD.replace("CONSUMER", consumer)])
        assert await run(1, "redrive", consumer, "another") == (
            0,
            [f"0 domain events of {consumer} will be tried again"],
        )
        assert await run(1, "redrive", consumer) == (0, [f"1 domain events of {consumer} will be tried again"])
        assert await run(1, "dead-letters") == (0, ["no dead letters"])
        code, (line,) = await run(1, "dead-letters", "--waiting")
        assert (code, json.loads(line)["dead"]) == (0, False)
        assert (await run(1, "forget", consumer, "--subject", "jars/b"))[0] == 0
        assert await inbox.parked(consumer)
        assert (await run(1, "forget", consumer))[0] == 0
        assert await inbox.parked(consumer) == []


async def test_consumers_of_another_service_are_not_touched(run):
    for command in ("redrive", "forget"):
        code, (line,) = await run(1, command, "others.lids")
        assert (code, "others.lids is no consumer of" in line) == (MISUSED, True)


async def test_a_replay_without_a_broker_is_one_line(run):
    code, lines = await run(1, "replay")
    assert (code, "BROKER_UNAVAILABLE" in json.loads(lines[-1])["message"]) == (FAILED, True), lines


async def test_settings_that_are_missing_are_one_line(run):
    code, said = await run(1, "prepare", USHER_MONGODB_URI="")
    assert (code, said) == (MISUSED, ["settings: USHER_MONGODB_URI is missing"])


async def test_an_unknown_command_is_named(run):
    code, said = await run(1, "migrate")
    assert code == MISUSED
    assert "invalid choice: 'migrate'" in said[-1]


async def test_a_database_that_is_away_is_one_line(run):
    code, (line,) = await run(1, "prepare", USHER_MONGODB_URI="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200")
    assert code == FAILED
    assert "STORE_UNAVAILABLE" in json.loads(line)["message"] or "does not answer" in json.loads(line)["message"]
