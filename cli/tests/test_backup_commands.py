"""`usher backup` on a stack's database, as a person or a script uses it."""

import asyncio
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from local_stack.platform_processes import SERVICES
from local_stack.stack import Stack
from mongo_store.copies import Copying
from usher_cli.app import build
from usher_cli.event_stores import database_of
from usher_cli.options import CommandFailure

MANY = 1203  # more than two batches of the reader and the writer
CLOSED = 2**31 - 1


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The folder of a stack of nothing but the database."""
    data = tmp_path_factory.mktemp("database") / "stack"
    stack = Stack(data)
    try:
        asyncio.run(stack.up(only=["mongodb"]))
        yield data
    finally:
        asyncio.run(stack.down())


@pytest.fixture
def stack(database):
    """Empty."""
    stack = Stack(database)

    async def emptied(any_of):
        for service in SERVICES:
            await any_of.client.drop_database(f"usher_{service}")

    on(stack, "user", emptied)
    return stack


@pytest.fixture
def usher(stack):
    """Runs a command line on that stack."""

    def run(*arguments):
        return CliRunner().invoke(build(), [*arguments, "--data", str(stack.folder)], catch_exceptions=False)

    return run


def on(stack, service, work):
    """What `work` returns of a service's database."""

    async def run():
        async with database_of(stack, service) as database:
            return await work(database)

    return asyncio.run(run())


def fill(stack):
    async def jars(database):
        kept = database.collection("jars")
        await kept.insert_many(
            {"_id": f"jar {n}", "n": n, "seed": bytes([n % 256]), "at": utc_now()} for n in range(MANY)
        )
        await database.collection("schema").insert_one({"_id": "schema", "version": 3, "minimum": 2, "contracted": 2})

    async def coins(database):
        await database.collection("coins").insert_one({"_id": "coin", "worth": 7})

    on(stack, "booking", jars)
    on(stack, "payment", coins)


def content(stack):
    async def all_of(database):
        names = sorted(await database.client[database.name].list_collection_names())
        return {name: [each async for each in database.collection(name).find(sort=[("_id", 1)])] for name in names}

    return {service: on(stack, service, all_of) for service in ("user", "booking", "payment")}


def filled(stack):
    """Without what is empty."""
    found = {
        service: {name: all_of for name, all_of in each.items() if all_of} for service, each in content(stack).items()
    }
    return {service: each for service, each in found.items() if each}


def copied(usher, tmp_path):
    run = usher("backup", "create", str(tmp_path / "copy"), "--json")
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_a_backup_brings_every_document_back_as_it_was(usher, stack, tmp_path):
    fill(stack)
    before = filled(stack)
    told = copied(usher, tmp_path)
    assert told["documents"] == MANY + 2
    assert told["moment"] == "standstill"
    assert told["databases"]["usher_booking"]["jars"]["documents"] == MANY
    on(stack, "booking", lambda database: database.client.drop_database(database.name))
    on(stack, "payment", lambda database: database.client.drop_database(database.name))
    run = usher("backup", "restore", str(tmp_path / "copy"), "--json")
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["documents"] == MANY + 2
    assert filled(stack) == before


def test_the_files_are_for_their_owner_alone(usher, stack, tmp_path):
    fill(stack)
    copied(usher, tmp_path)
    folder = tmp_path / "copy"
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}


def test_what_tells_of_processes_is_left_out(usher, stack, tmp_path):
    fill(stack)
    past = {"_id": "1", "name": "host/7", "code": 1, "until": utc_now() - timedelta(seconds=1)}
    on(stack, "booking", lambda database: database.collection("instances").insert_one(past))
    assert sorted(copied(usher, tmp_path)["databases"]["usher_booking"]) == ["jars", "schema"]


def let_run(stack, service="booking"):
    """As if a process of a service worked on its database."""
    alive = {"_id": "1", "name": "host/7", "code": 1, "until": utc_now() + timedelta(minutes=1)}
    on(stack, service, lambda database: database.collection("instances").insert_one(alive))


def test_nothing_is_restored_while_services_work_on_it(usher, stack, tmp_path):
    fill(stack)
    copied(usher, tmp_path)
    let_run(stack)
    run = usher("backup", "restore", str(tmp_path / "copy"), "--force")
    assert (run.exit_code, "booking on host/7 works on this database" in run.stderr) == (1, True)
    assert len(filled(stack)["booking"]["jars"]) == MANY
    assert minimums(stack) == {"booking": 2}, "as before"


def minimums(stack):
    """By service, where there is one."""
    found = {name: each.get("schema") for name, each in content(stack).items()}
    return {name: schema[0]["minimum"] for name, schema in found.items() if schema}


ALL_CLOSED = {"user": CLOSED, "booking": CLOSED, "payment": CLOSED}


def test_a_restore_lets_nobody_begin_before_it_looks_who_runs(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    copied(usher, tmp_path)
    looks, seen = Copying.running, []

    def watched(self):
        seen.append(minimums(stack))
        return looks(self)

    monkeypatch.setattr(Copying, "running", watched)
    assert usher("backup", "restore", str(tmp_path / "copy"), "--force").exit_code == 0
    assert seen == [ALL_CLOSED, ALL_CLOSED]
    assert minimums(stack) == {"booking": 2}


def test_who_comes_back_during_a_restore_keeps_it_closed(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    copied(usher, tmp_path)
    write = Copying.write

    def disturbed(self, *arguments):
        if arguments[1] == "coins":
            let_run(stack)
        return write(self, *arguments)

    monkeypatch.setattr(Copying, "write", disturbed)
    run = usher("backup", "restore", str(tmp_path / "copy"), "--force")
    assert (run.exit_code, "booking on host/7 came back meanwhile" in run.stderr) == (1, True)
    assert minimums(stack) == ALL_CLOSED


def test_what_a_restore_that_was_killed_had_closed_is_opened_by_the_next_that_is_refused(
    usher, stack, tmp_path, monkeypatch
):
    fill(stack)
    copied(usher, tmp_path)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Copying, "running", die)
        patched.setattr(Copying, "reopen", lambda *_: None)
        usher("backup", "restore", str(tmp_path / "copy"))
    assert minimums(stack) == ALL_CLOSED
    before = filled(stack)["booking"]["jars"]
    run = usher("backup", "restore", str(tmp_path / "copy"))
    assert (run.exit_code, "usher_booking, usher_payment hold data already" in run.stderr) == (1, True)
    assert (minimums(stack), filled(stack)["booking"]["jars"]) == ({"booking": 2}, before)


@pytest.mark.parametrize("elsewhere", ["environment", "--uri"])
def test_a_cluster_named_beside_a_local_stack_is_refused_and_never_deleted_by_accident(
    usher, stack, tmp_path, monkeypatch, elsewhere
):
    """INVARIANT: --force deletes only what the command line names."""
    fill(stack)
    copied(usher, tmp_path)
    uri = f"mongodb://127.0.0.1:{stack.state().ports['mongodb']}/?replicaSet=secantus"
    monkeypatch.setenv("USHER_BACKUP_URI", uri)
    if elsewhere == "environment":  # create reads from it, restore does not know it
        run = usher("backup", "create", str(tmp_path / "another"))
        assert (run.exit_code, "two databases are named" in run.stderr) == (1, True)
        nowhere = str(tmp_path / "no-stack")
        run = CliRunner().invoke(build(), ["backup", "restore", str(tmp_path / "copy"), "--force", "--data", nowhere])
    else:
        run = usher("backup", "restore", str(tmp_path / "copy"), "--force", "--uri", uri)
        assert "two databases are named" in run.stderr
    assert run.exit_code == 1
    assert minimums(stack) == {"booking": 2}


def test_where_a_restore_writes_is_told_before_anything_is_deleted(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    copied(usher, tmp_path)

    def die(*_):
        raise CommandFailure("here")

    monkeypatch.setattr(Copying, "empty", die)
    run = usher("backup", "restore", str(tmp_path / "copy"), "--force", "--json")
    assert f"restoring into 127.0.0.1:{stack.state().ports['mongodb']}\n" in run.stderr
    assert run.stdout == ""


def test_a_collection_made_while_a_copy_begins_is_in_it(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    let_run(stack)
    lists, once = Copying.collections, iter([True])

    def disturbed(self, database):
        found = lists(self, database)
        if database == "usher_booking" and next(once, False):
            on(stack, "booking", lambda booking: booking.collection("lids").insert_one({"_id": "lid"}))
        return found

    monkeypatch.setattr(Copying, "collections", disturbed)
    told = copied(usher, tmp_path)
    assert (told["moment"], told["databases"]["usher_booking"]["lids"]["documents"]) == ("snapshot", 1)


def test_collections_made_while_a_copy_is_made_do_not_end_it(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    let_run(stack)
    read = Copying.documents

    def disturbed(self, database, collection):
        on(stack, "payment", lambda payment: payment.collection(f"new {collection}").insert_one({"_id": new_id()}))
        return read(self, database, collection)

    monkeypatch.setattr(Copying, "documents", disturbed)
    assert sorted(copied(usher, tmp_path)["databases"]["usher_payment"]) == ["coins"]


@pytest.mark.parametrize("uri", ["http://x", "mongodb://u:se:cr@et@host/", "mongodb://host:secret/"])
def test_a_malformed_uri_is_one_line_without_what_is_secret_in_it(tmp_path, uri):
    run = CliRunner().invoke(build(), ["backup", "create", str(tmp_path / "copy"), "--uri", uri])
    assert (run.exit_code, "STORE_URI_MALFORMED" in run.stderr, len(run.stderr.splitlines())) == (1, True, 1)
    assert "secret" not in run.stderr
    assert "se:cr" not in run.stderr


def test_a_platform_that_runs_is_copied_as_of_one_moment(usher, stack, tmp_path, monkeypatch):
    """INVARIANT: no database of a backup is younger than another."""
    fill(stack)
    let_run(stack)
    read = Copying.documents

    def disturbed(self, database, collection):
        """Somebody pays and books while the copy is made, the consumer's database being read last."""
        if (database, collection) == ("usher_booking", "jars"):
            coin = {"_id": f"coin {new_id()}", "worth": 1}
            on(stack, "payment", lambda payment: payment.collection("coins").insert_one(coin))
            on(stack, "booking", lambda booking: booking.collection("jars").delete_many({"n": {"$gte": 600}}))
        return read(self, database, collection)

    monkeypatch.setattr(Copying, "documents", disturbed)
    told = copied(usher, tmp_path)
    assert told["moment"] == "snapshot"
    assert told["databases"]["usher_booking"]["jars"]["documents"] == MANY
    assert told["databases"]["usher_payment"]["coins"]["documents"] == 1
    assert len(filled(stack)["payment"]["coins"]) == 2


def test_a_service_that_begins_meanwhile_makes_a_copy_worthless(usher, stack, tmp_path, monkeypatch):
    fill(stack)
    read = Copying.documents

    def disturbed(self, database, collection):
        if (database, collection) == ("usher_booking", "jars"):
            let_run(stack)
        return read(self, database, collection)

    monkeypatch.setattr(Copying, "documents", disturbed)
    run = usher("backup", "create", str(tmp_path / "copy"))
    assert (run.exit_code, "booking on host/7 has begun meanwhile" in run.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_data_is_deleted_only_by_force(usher, stack, tmp_path):
    fill(stack)
    before = filled(stack)
    copied(usher, tmp_path)

    async def another(database):
        await database.collection("users").insert_one({"_id": "somebody"})

    on(stack, "user", another)
    run = usher("backup", "restore", str(tmp_path / "copy"))
    assert (run.exit_code, "usher_user" in run.stderr, "--force" in run.stderr) == (1, True, True)
    assert "user" in filled(stack)
    assert usher("backup", "restore", str(tmp_path / "copy"), "--force").exit_code == 0
    assert filled(stack) == before


def test_a_damaged_backup_changes_nothing(usher, stack, tmp_path):
    fill(stack)
    copied(usher, tmp_path)
    before = filled(stack)
    path = tmp_path / "copy" / "usher_payment" / "coins.bson"
    path.write_bytes(path.read_bytes().replace(b"worth", b"wortH"))
    run = usher("backup", "restore", str(tmp_path / "copy"), "--force")
    assert (run.exit_code, "coins.bson is not as it was written" in run.stderr) == (1, True)
    assert filled(stack) == before
    path.unlink()
    run = CliRunner().invoke(build(), ["backup", "verify", str(tmp_path / "copy")])
    assert (run.exit_code, "coins.bson is missing" in run.stderr) == (1, True)


def test_what_is_half_restored_takes_no_code(usher, stack, tmp_path):
    """INVARIANT: between the first and the last document of a restore no service begins."""
    fill(stack)
    copied(usher, tmp_path)
    manifest = tmp_path / "copy" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["databases"]["usher_payment"]["coins"]["documents"] = 2  # as if it broke off before the last one
    manifest.write_text(json.dumps(told))
    run = usher("backup", "restore", str(tmp_path / "copy"), "--force")
    assert (run.exit_code, "1 of 2 documents arrived" in run.stderr) == (1, True)
    assert minimums(stack) == ALL_CLOSED


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("create", "copy"), "copy is there already: name a new folder"),
        (("restore", "none"), "no backup in"),
        (("create", "new"), "there is nothing in this database"),
    ],
)
def test_what_cannot_be_done_is_one_line(usher, tmp_path, arguments, line):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "note").write_text("mine")
    run = usher("backup", arguments[0], str(tmp_path / arguments[1]))
    assert run.exit_code == 1
    assert line in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_database_that_is_away_is_one_line(tmp_path):
    run = CliRunner().invoke(
        build(), ["backup", "create", str(tmp_path / "copy"), "--uri", "mongodb://127.0.0.1:9/?connectTimeoutMS=100"]
    )
    assert (run.exit_code, "STORE_UNAVAILABLE" in run.stderr, len(run.stderr.splitlines())) == (1, True, 1)
    assert not list(tmp_path.iterdir())
