"""Everything is lost but a backup: another stack begins with it, and nobody who bought or sold can tell."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from local_stack.mail_folder import caught
from local_stack.stack import Stack
from testkit.native import stack_engines
from usher_cli import accounts
from usher_cli import journey as steps
from usher_cli.accounts import eventually, sign_in
from usher_cli.api import Api, ApiRefusal, Document, fresh_id
from usher_cli.app import build
from usher_cli.journey import PASSWORD, Journey

pytestmark = pytest.mark.timeout(600)
SECONDS = 90.0
T = TypeVar("T")


def usher(stack: Stack, *arguments: str) -> Document:
    """A command of the platform's own command line, answering JSON."""
    run = CliRunner().invoke(build(), [*arguments, "--json", "--data", str(stack.folder)], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    document: Document = json.loads(run.stdout)
    return document


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """A stack of its own, down afterwards."""
    stack = Stack(folder)
    try:
        asyncio.run(stack.up(engines=stack_engines()))
        yield stack
    finally:
        asyncio.run(stack.down())


def hold(journey: Journey) -> Document:
    body = {"lines": [{"ticketType": journey.ticket_type, "quantity": 1}]}
    booking: Document = journey.api.post(
        f"/v1/{journey.event}/bookings", body, token=journey.buyer_token, query={"requestId": fresh_id()}
    )
    return booking


def paid(journey: Journey, booking: str) -> Document:
    """The booking once its money has come."""
    api, token = journey.api, journey.buyer_token
    query = {"requestId": fresh_id(), "preferredGateway": "stripe"}
    made = api.post("/v1/payments", {"booking": booking}, token=token, query=query)
    body = {"paymentMethod": "pm_card_visa", "requestId": fresh_id()}
    api.post(f"/v1/{made['name']}:confirm", body, token=token)

    def confirmed() -> Document | None:
        found: Document = api.get(f"/v1/{booking}", token=token)
        return found if found["state"] == "BOOKING_STATE_CONFIRMED" else None

    return eventually(confirmed, seconds=SECONDS, what="the confirmation")


def numbers(journey: Journey) -> list[str]:
    found = journey.api.get(f"/v1/{journey.organizer}/invoices", token=journey.owner_token)["invoices"]
    return sorted(each["number"] for each in found)


def invoiced(journey: Journey, count: int) -> list[str]:
    def all_there() -> list[str] | None:
        found = numbers(journey)
        return found if len(found) >= count else None

    return eventually(all_there, seconds=SECONDS, what=f"{count} invoices")


ENTRIES = 6  # of the two payments; they are chained a second or two later


def totals(stack: Stack, journey: Journey) -> Mapping[str, Any]:
    """What has to be the same before and after."""
    api, owner = journey.api, journey.owner_token
    bookings = api.get(f"/v1/{journey.event}/bookings", token=owner, query={"pageSize": 1000})["bookings"]
    ledger = usher(stack, "ledger", "verify")
    assert ledger["sound"]
    return {
        "bookings": Counter(each["state"] for each in bookings),
        "tickets": sorted(ticket["code"] for each in bookings for ticket in each.get("tickets", [])),
        "ledger": ledger,
        "payments": sorted(
            (each["name"], each["state"])
            for each in api.get(f"/v1/{journey.buyer.name}/payments", token=journey.buyer_token)["payments"]
        ),
        "invoices": numbers(journey),
        "ticket keys": api.get("/v1/ticketKeys")["keys"],
    }


def figures(journey: Journey) -> tuple[str, str] | None:
    found = journey.api.get(
        f"/v1/{journey.organizer}/sales:query", token=journey.owner_token, query={"event": journey.event}
    )["totals"]
    return (found[0]["ticketsSold"], found[0]["ticketsCheckedIn"]) if found else None


def bought(stack: Stack, api: Api) -> Journey:
    """One paid and admitted, one paid, one cancelled, one that is still held."""
    journey = Journey(api, stack.mail())
    for step in steps.STEPS[: steps.STEPS.index(steps.sales_are_counted)]:
        step(journey)
    paid(journey, hold(journey)["name"])
    cancelled = hold(journey)["name"]
    api.post(f"/v1/{cancelled}:cancel", {"requestId": fresh_id()}, token=journey.buyer_token)
    hold(journey)
    invoiced(journey, 2)
    eventually(
        lambda: figures(journey) == (str(journey.quantity + 1), "1") or None, seconds=SECONDS, what="the figures"
    )
    eventually(
        lambda: usher(stack, "ledger", "verify")["entries"] >= ENTRIES or None, seconds=SECONDS, what="the ledger"
    )
    return journey


def admitted(journey: Journey, code: str) -> None:
    body = {"code": code, "requestId": fresh_id()}
    journey.api.post(f"/v1/{journey.event}:checkIn", body, token=journey.owner_token)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of the journey may take as long as everything here: a stack that has just begun is slow."""

    def wait(look: Callable[[], T | None], *, seconds: float, what: str) -> T:
        return eventually(look, seconds=max(seconds, SECONDS), what=what)

    monkeypatch.setattr(accounts, "eventually", wait)
    monkeypatch.setattr(steps, "eventually", wait)


@pytest.mark.usefixtures("patient")
def test_all_that_was_sold_comes_back_from_a_backup_and_goes_on(tmp_path: Path) -> None:
    """INVARIANT: a backup of the databases is all it takes; Kafka and Elasticsearch are filled from it."""
    copy = tmp_path / "copy"
    with running(tmp_path / "lost") as stack, Api(stack.url()) as api:
        journey = bought(stack, api)
        before, sold = totals(stack, journey), figures(journey)
        asyncio.run(stack.down())
        asyncio.run(stack.up(only=["mongodb"]))
        usher(stack, "backup", "create", str(copy))
        old = stack.state().ports["sandbox"]
    back = Stack(tmp_path / "back")
    try:
        asyncio.run(back.up(only=["mongodb"], engines=stack_engines()))
        usher(back, "backup", "restore", str(copy))
    finally:
        asyncio.run(back.down())
    # Gateways are somewhere else, and have their books still; here at another port.
    (tmp_path / "lost" / "sandbox").rename(back.folder / "sandbox")
    shutil.rmtree(tmp_path / "lost")
    for credentials in (back.folder / "sandbox").glob("*.json"):
        credentials.write_text(credentials.read_text().replace(f":{old}", f":{back.state().ports['sandbox']}"))
    with running(back.folder) as stack, Api(stack.url()) as api:
        journey.api, journey.mail = api, stack.mail()
        # Roles travel in the new tokens.
        journey.owner = sign_in(api, email=journey.owner.email, password=PASSWORD)
        journey.buyer = sign_in(api, email=journey.buyer.email, password=PASSWORD)
        steps.event_is_found(journey)
        eventually(lambda: figures(journey) == sold or None, seconds=SECONDS, what="the same figures")
        assert totals(stack, journey) == before
        assert usher(stack, "ledger", "verify", "--anchor", f"{before['ledger']['entries']}:{before['ledger']['hash']}")

        first, second = (ticket["code"] for ticket in journey.booking["tickets"])
        admitted(journey, second)
        with pytest.raises(ApiRefusal, match="TICKET_CHECKED_IN"):
            admitted(journey, first)
        query = {"pageSize": 1000}
        held = api.get(f"/v1/{journey.event}/bookings", token=journey.owner_token, query=query)["bookings"]
        [waiting] = [each for each in held if each["state"] == "BOOKING_STATE_HELD"]
        paid(journey, waiting["name"])
        after = invoiced(journey, 3)
        assert after[:2] == before["invoices"]
        assert [int(each.rpartition("-")[2]) for each in after] == [1, 2, 3]
        sold_now = (str(journey.quantity + 2), "2")
        eventually(lambda: figures(journey) == sold_now or None, seconds=SECONDS, what="the new sale in the figures")
        assert usher(stack, "ledger", "verify")["entries"] > before["ledger"]["entries"]
        assert usher(stack, "events", "dead-letters", "--waiting") == []
        steps.wait_for_mail(stack.mail(), to=journey.buyer.email, having=lambda each: "event.ics" in each.attachments)
        # Letters of before were sent before: there is one for the booking that has just been paid.
        tickets = [each for each in caught(stack.mail()) if "event.ics" in each.attachments]
        assert len(tickets) == 1
