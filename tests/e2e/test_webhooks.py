"""Webhooks as they come in from outside: the same one a hundred times at once, and one that cannot be verified yet."""

import asyncio
import base64
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe

from local_stack.mail_folder import caught
from local_stack.stack import Stack
from usher_cli.accounts import eventually
from usher_cli.api import Api, fresh_id

pytestmark = pytest.mark.timeout(180)
TIMES = 100


def credentials(stack: Stack, gateway: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((stack.folder / "sandbox" / "credentials.json").read_text())[gateway]
    return found


async def delivered(url: str, body: bytes, headers: dict[str, str]) -> Counter[int]:
    """HTTP status → how often, of all sent at once."""
    limits = httpx.Limits(max_connections=TIMES)
    async with httpx.AsyncClient(limits=limits, timeout=60.0, trust_env=False) as client:
        answers = await asyncio.gather(*(client.post(url, content=body, headers=headers) for _ in range(TIMES)))
    return Counter(each.status_code for each in answers)


def word_of_success(sandbox: Any, stack: Stack, intent: str) -> bytes:
    """The event that Stripe has for us."""
    key = {"authorization": f"Bearer {credentials(stack, 'stripe')['api_key']}"}
    events = httpx.get(f"{sandbox.url}/v1/events", headers=key, params={"limit": "100"}).json()["data"]
    [event] = [
        each for each in events
        if each["type"] == "payment_intent.succeeded" and each["data"]["object"]["id"] == intent
    ]  # fmt: skip
    return json.dumps(event, indent=2).encode()


def test_the_same_webhook_a_hundred_times_at_once_pays_one_booking_once(
    stack: Stack, api: Api, world, sandbox, open_sale, read
) -> None:
    """INVARIANT: one payment, one entry in the books, one confirmation, one letter."""
    event, kind = open_sale({"currencyCode": "EUR", "units": "12"}, 5)
    token, query = world.journey.buyer_token, {"requestId": fresh_id()}
    lines = [{"ticketType": kind, "quantity": 1}]
    booking = api.post(f"/v1/{event}/bookings", {"lines": lines}, token=token, query=query)["name"]
    wanted = {"booking": booking, "method": "card"}
    query = {"requestId": fresh_id(), "preferredGateway": "stripe"}
    payment = api.post("/v1/payments", wanted, token=token, query=query)
    sandbox.switch("stripe", hold_webhooks=True)
    try:
        paid = httpx.post(
            f"{sandbox.url}/v1/payment_intents/{payment['gatewayReference']}/confirm",
            headers={"authorization": "Bearer pk_test_browser"},
            data={
                "client_secret": payment["clientSecret"],
                "payment_method": "pm_card_visa",
                "return_url": "https://shop.example/thanks",
            },
        )
        assert paid.json()["status"] == "succeeded", paid.text
        body = word_of_success(sandbox, stack, payment["gatewayReference"])
        secret = credentials(stack, "stripe")["webhook_secret"]
        signature = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
        headers = {"content-type": "application/json", "stripe-signature": signature}
        url = f"{stack.url()}/v1/webhooks/stripe"
        assert api.get(f"/v1/{payment['name']}", token=token)["state"] == "PAYMENT_STATE_PENDING"
        assert asyncio.run(delivered(url, body, headers)) == {200: TIMES}

        def confirmed() -> bool | None:
            return api.get(f"/v1/{booking}", token=token)["state"] == "BOOKING_STATE_CONFIRMED" or None

        eventually(confirmed, seconds=60, what="the tickets")
        assert asyncio.run(delivered(url, body, headers)) == {200: TIMES}
    finally:
        sandbox.switch("stripe", hold_webhooks=False)

    def facts(service: str, subject: str, kind: str) -> list[str]:
        rows = read(service, "journal", {"agg": subject})
        return [each["id"] for row in rows for each in row["ev"] if each["s"] == subject and each["t"].endswith(kind)]

    def letters() -> list[dict[str, Any]] | None:
        [fact] = facts("booking", booking, ".BookingConfirmed")
        found: list[dict[str, Any]] = read("notification", "notifications", {"cause": fact})
        return found if any(each["state"] == "DELIVERED" for each in found) else None

    def booked() -> list[str] | None:
        blocks = read("payment", "ledger_blocks", {"ids": f"{payment['name']}/captured"})
        ids = [id for block in blocks for id in block["ids"] if id.startswith(f"{payment['name']}/")]
        return ids or None

    entries = eventually(booked, seconds=30, what="the entries of the ledger")
    assert Counter(entries).most_common(1)[0][1] == 1
    assert len(eventually(letters, seconds=60, what="the letter")) == 1
    assert len(facts("payment", payment["name"], ".PaymentSucceeded")) == 1
    assert len(facts("booking", booking, ".BookingConfirmed")) == 1
    [kept] = read("payment", "webhooks", {"notice": json.loads(body)["id"]})
    assert not kept["open"]
    [charge] = [each for each in sandbox.charges("stripe") if each["payment_intent"] == payment["gatewayReference"]]
    assert charge["amount_captured"] == 1_200
    mails = [
        each for each in caught(stack.mail()) if facts("booking", booking, ".BookingConfirmed")[0] in each.message_id
    ]
    assert [each.deliveries for each in mails] == [1]


def test_a_webhook_whose_certificate_cannot_be_had_is_to_be_sent_again(stack: Stack) -> None:
    """PayPal sends again what was not answered with a success: that must not be lost for want of a certificate."""
    headers = {
        "paypal-transmission-id": "t-1",
        "paypal-transmission-time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "paypal-transmission-sig": base64.b64encode(b"\1" * 256).decode(),
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": f"{credentials(stack, 'paypal')['certificates']}CERT-not-there",
        "content-type": "application/json",
    }
    answer = httpx.post(f"{stack.url()}/v1/webhooks/paypal", content=b"{}", headers=headers)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert "WEBHOOK_CERTIFICATE_UNAVAILABLE" in answer.text
    forged = {**headers, "paypal-cert-url": "https://evil.example/CERT-1"}
    refused = httpx.post(f"{stack.url()}/v1/webhooks/paypal", content=b"{}", headers=forged)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
