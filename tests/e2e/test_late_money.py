"""Money that comes after the hold has expired, for places that are somebody else's by then."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from access import TokenSigner
from domain_kit.ids import new_id
from local_stack.stack import Stack
from usher_cli.accounts import eventually
from usher_cli.api import Api, ApiRefusal, Document, fresh_id

pytestmark = pytest.mark.timeout(300)
HOLD_SECONDS = 3


@pytest.fixture
def short_holds(stack: Stack, settled) -> Iterator[None]:
    """The booking service of the shared stack, with holds a test can wait for; the usual ones again afterwards."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("USHER_HOLD_SECONDS", str(HOLD_SECONDS))
        restart_booking(stack)
    yield
    restart_booking(stack)


def restart_booking(stack: Stack) -> None:
    asyncio.run(stack.kill("booking"))
    asyncio.run(stack.up())


def one_paid_place(api: Api, world) -> tuple[str, str]:
    """A published event with one place at 49 EUR: names of the event and of its ticket type."""
    token = world.journey.owner.token
    event = {
        "organizer": world.journey.organizer,
        "title": f"One chair {new_id()}",
        "startTime": "2031-05-01T18:00:00Z",
        "endTime": "2031-05-01T20:00:00Z",
        "timeZone": "UTC",
        "online": True,
    }
    name = api.post("/v1/events", event, token=token, query={"requestId": fresh_id()})["name"]
    pool = {"displayName": "Chair", "capacity": 1}
    chair = api.post(f"/v1/{name}/capacityPools", pool, token=token, query={"requestId": fresh_id()})["name"]
    price = {"currencyCode": "EUR", "units": "49"}
    ticket_type = {"displayName": "Seat", "price": price, "capacityPools": [chair]}
    sold = api.post(f"/v1/{name}/ticketTypes", ticket_type, token=token, query={"requestId": fresh_id()})["name"]
    api.post(f"/v1/{name}:publish", {"requestId": fresh_id()}, token=token)

    def on_sale() -> bool | None:
        return any(each["event"] == name for each in listed()) or None

    def listed() -> list[Document]:
        found: list[Document] = api.get("/v1/events:search", query={"query": event["title"]})["hits"]
        return found

    eventually(on_sale, seconds=30, what="the event in the search")
    return name, sold


def hold(api: Api, event: str, ticket_type: str, token: str) -> Document:
    """The one place, as soon as it can be had."""
    body = {"lines": [{"ticketType": ticket_type, "quantity": 1}]}

    def book() -> Document | None:
        try:
            held: Document = api.post(f"/v1/{event}/bookings", body, token=token, query={"requestId": fresh_id()})
        except ApiRefusal as refusal:
            if refusal.reason not in {"SOLD_OUT", "RESOURCE_NOT_FOUND"}:
                raise
            return None
        return held

    return eventually(book, seconds=30, what="a place that is free")


def test_money_that_comes_after_the_place_went_to_somebody_else_goes_back_by_itself(
    stack: Stack, api: Api, world, signer: TokenSigner, short_holds: None
) -> None:
    """INVARIANT: whoever pays too late has his money back, once and in full, without anybody asking for it."""
    event, ticket_type = one_paid_place(api, world)
    slow, fast = world.journey.buyer.token, signer.sign(f"users/{new_id()}", {}, session="s")
    late = hold(api, event, ticket_type, slow)
    query = {"requestId": fresh_id(), "preferredGateway": "stripe"}
    payment = api.post("/v1/payments", {"booking": late["name"]}, token=slow, query=query)
    taken = hold(api, event, ticket_type, fast)

    sandbox = f"http://127.0.0.1:{stack.state().ports['sandbox']}"
    intent = payment["gatewayReference"]
    paid = httpx.post(
        f"{sandbox}/v1/payment_intents/{intent}/confirm",
        headers={"authorization": "Bearer pk_test_browser"},
        data={
            "client_secret": payment["clientSecret"],
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example/thanks",
        },
    )
    assert paid.json()["status"] == "succeeded", paid.text

    def refunded() -> Document | None:
        found: Document = api.get(f"/v1/{payment['name']}", token=slow)
        return found if found["state"] == "PAYMENT_STATE_REFUNDED" else None

    after = eventually(refunded, seconds=30, what="the money on its way back")
    assert after["refundedAmount"] == after["amount"] == {"currencyCode": "EUR", "units": "49", "nanos": 0}
    charges = httpx.get(f"{sandbox}/_sandbox/charges", params={"payment_intent": intent}).json()["charges"]
    assert [(each["amount"], each["amount_refunded"]) for each in charges] == [(4900, 4900)]
    assert api.get(f"/v1/{late['name']}", token=slow)["state"] == "BOOKING_STATE_EXPIRED"
    assert api.get(f"/v1/{taken['name']}", token=fast)["event"] == event
