"""`usher ledger` on a stack's database, as a person or a script uses it."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from domain_kit.money import Money
from local_stack.stack import Stack
from mongo_store import Journal
from payment_service.domain.bookkeeping import Deal, captured
from payment_service.domain.chain import canonical
from payment_service.domain.terms import Terms
from payment_service.outbound.bookkeeping import UNCHAINED
from payment_service.outbound.ledger import BLOCKS, MongoLedger
from usher_cli.app import build
from usher_cli.event_stores import database_of

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LINE = {"id": "t1", "kind": "charge", "reference": "pi_1", "currency": "CAD", "amount": 1999, "fee": 88,
        "time": "2027-03-01T12:00:01+00:00"}  # fmt: skip


@pytest.fixture
def usher(tmp_path):
    """Runs a command line on a stack of nothing but the database in tmp_path."""

    def run(*arguments):
        return CliRunner().invoke(build(), [*arguments, "--data", str(tmp_path)], catch_exceptions=False)

    assert run("up", "--only", "mongodb").exit_code == 0
    yield run
    run("down")


async def book(stack):
    """Two captures with their fees, chained."""
    async with database_of(stack, "payment") as database:
        for number in (1, 2):
            deal = Deal(
                f"payments/{number}", "organizers/o", "stripe", Money(1999, "CAD"), f"pi_{number}", "", Terms(250)
            )
            entries = [canonical(each) for each in captured(deal, NOW, Money(88, "CAD"))]
            await database.collection(UNCHAINED).insert_one({"_id": str(number), "time": NOW, "entries": entries})
        await MongoLedger(Journal(database)).chain()


async def chain(stack):
    async with database_of(stack, "payment") as database:
        await MongoLedger(Journal(database)).chain()


async def spoil(stack):
    async with database_of(stack, "payment") as database:
        await database.collection(BLOCKS).update_one({}, {"$set": {"entries.2": b"{}"}})


def test_a_ledger_is_verified_and_found_out_when_somebody_changed_it(usher, tmp_path):
    stack = Stack(tmp_path)
    assert json.loads(usher("ledger", "verify", "--json").stdout)["entries"] == 0
    asyncio.run(book(stack))
    told = usher("ledger", "verify")
    assert told.exit_code == 0
    assert "6 entries, sound" in told.output
    anchor = told.output.split()[-1]
    assert usher("ledger", "verify", "--anchor", anchor).exit_code == 0
    assert usher("ledger", "verify", "--anchor", "6:" + 64 * "0").exit_code == 4
    assert usher("ledger", "verify", "--anchor", "nonsense").exit_code == 1
    asyncio.run(spoil(stack))
    wrong = usher("ledger", "verify", "--json")
    assert wrong.exit_code == 4
    document = json.loads(wrong.stdout)
    assert not document["sound"]
    assert {"fault": "MALFORMED", "entry": 3, "what": "these bytes are no entry"} in document["findings"]


def test_a_report_is_compared_with_the_ledger(usher, tmp_path):
    asyncio.run(book(Stack(tmp_path)))
    report = tmp_path / "report.jsonl"
    command = ["ledger", "reconcile", "--gateway", "stripe", "--since", "2027-03-01", "--until", "2027-03-02"]
    command += ["--report", str(report)]
    lines = [LINE, {**LINE, "id": "t2", "reference": "pi_2"}]
    report.write_text("\n".join(map(json.dumps, lines)))
    agrees = usher(*command)
    assert (agrees.exit_code, agrees.output.strip()) == (0, "no differences")
    report.write_text("\n".join(map(json.dumps, [LINE, {**LINE, "id": "t3", "reference": "pi_3"}])))
    differs = usher(*command, "--json")
    assert differs.exit_code == 4
    found = json.loads(differs.stdout)["differences"]
    assert sorted((each["difference"], each["reference"]) for each in found) == [("EXTRA", "pi_3"), ("MISSING", "pi_2")]
    report.write_text('{"id": "x"}')
    assert usher(*command).exit_code == 1
    assert usher(*command[:-2]).exit_code == 1


def test_fees_are_corrected_to_what_the_gateway_has_kept(usher, tmp_path):
    stack = Stack(tmp_path)
    asyncio.run(book(stack))
    report = tmp_path / "report.jsonl"
    report.write_text("\n".join(map(json.dumps, [{**LINE, "fee": 90}, {**LINE, "id": "t2", "reference": "pi_2"}])))
    command = ["ledger", "reconcile", "--gateway", "stripe", "--since", "2027-03-01", "--until", "2027-03-02"]
    command += ["--report", str(report), "--json"]
    for corrected in (1, 1):  # what waits to be chained is not booked twice
        told = usher(*command, "--correct")
        assert (told.exit_code, json.loads(told.stdout)["corrected"]) == (4, corrected)
    asyncio.run(chain(stack))
    assert usher(*command, "--correct").exit_code == 0
    assert "7 entries, sound" in usher("ledger", "verify").output
