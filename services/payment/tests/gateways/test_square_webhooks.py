"""Square's webhooks: whoever changes one, or its address, is not believed."""

import base64
import hashlib
import hmac
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unauthenticated
from payment_service.domain.gateways import Delivery
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.square_webhooks import SquareWebhooks

URL = "https://shop.example/v1/gateways/square:receive"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def signed(body: bytes, secret: str, url: str = URL) -> Delivery:
    digest = hmac.new(secret.encode(), url.encode() + body, hashlib.sha256).digest()
    return Delivery(body, {"x-square-hmacsha256-signature": base64.b64encode(digest).decode()}, url)


def event(kind: str, thing: dict[str, object]) -> bytes:
    data = {"type": kind, "id": "x", "object": {kind: thing}}
    return json.dumps({"event_id": "ev1", "type": f"{kind}.updated", "data": data}).encode()


@pytest.fixture
def gateway() -> SquareWebhooks:
    return SquareWebhooks(URL, ["new-secret", "old-secret"], capabilities_of("square"))


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_a_notice_names_the_payment_by_either_secret(gateway, secret):
    about = {
        "payment": {"id": "sq1", "reference_id": "f" * 32},
        "refund": {"id": "re1", "payment_id": "sq1"},
        "dispute": {
            "id": "di1",
            "disputed_payment": {"payment_id": "sq1"},
            "state": "PROCESSING",
            "version": 2,
            "amount_money": {"amount": 1999, "currency": "USD"},
        },
    }
    for kind, thing in about.items():
        delivery = signed(event(kind, thing), secret)
        first, again = gateway.read(delivery, NOW)[0], gateway.read(delivery, NOW + timedelta(hours=20))[0]
        assert first == again
        assert (first.id, first.reference) == ("ev1", "sq1")
    assert gateway.read(signed(b'{"event_id": "ev2", "data": {}}', secret), NOW)[0].reference == ""


@pytest.mark.parametrize(
    ("kind", "thing", "paid"),
    [
        ("payment", {"id": "sq1", "status": "COMPLETED"}, True),
        ("payment", {"id": "sq1", "status": "COMPLETED", "refund_ids": ["re1"]}, False),
        ("payment", {"id": "sq1", "status": "CANCELED"}, False),
        ("refund", {"id": "re1", "payment_id": "sq1", "status": "COMPLETED"}, False),
    ],
)
def test_only_of_a_payment_without_refunds_it_says_no_more_than_that_it_was_paid(gateway, kind, thing, paid):
    assert gateway.read(signed(event(kind, thing), "new-secret"), NOW)[0].paid is paid


def test_no_changed_webhook_is_believed(gateway):
    good = signed(event("payment", {"id": "sq1", "reference_id": "f" * 32}), "new-secret")
    assert gateway.read(good, NOW)
    chance = random.Random(20261123)
    signature = good.headers["x-square-hmacsha256-signature"]
    for turn in range(500):
        where = turn % 4
        if where == 0:
            bad = replace(good, body=altered(good.body, chance))
        elif where == 1:
            changed = altered(signature.encode(), chance).decode("latin-1")
            bad = replace(good, headers={"x-square-hmacsha256-signature": changed})
        elif where == 2:
            bad = replace(good, url=f"{URL}?{chance.randrange(10**6)}")
        else:
            bad = replace(good, body=good.body + bytes([chance.randrange(256)]))
        with pytest.raises(Unauthenticated):
            gateway.read(bad, NOW)
    for headers in ({}, {"x-square-hmacsha256-signature": ""}):
        with pytest.raises(Unauthenticated):
            gateway.read(replace(good, headers=headers), NOW)
    with pytest.raises(Unauthenticated):
        gateway.read(signed(good.body, "other-secret"), NOW)
    with pytest.raises(Unauthenticated):
        gateway.read(signed(good.body, "new-secret", "https://elsewhere.example/"), NOW)


def altered(given: bytes, chance: random.Random) -> bytes:
    """One byte is another, missing or doubled."""
    at, kind = chance.randrange(len(given)), chance.randrange(3)
    middle = (bytes([given[at] ^ chance.randrange(1, 256)]), b"", given[at : at + 1] * 2)[kind]
    return given[:at] + middle + given[at + 1 :]


@pytest.mark.parametrize("body", [b"nothing", b"[]", b'{"data": {}}', b'{"event_id": "e", "data": 7}'])
def test_a_signed_body_that_is_no_event_is_refused(gateway, body):
    with pytest.raises(InvalidArgument) as refused:
        gateway.read(signed(body, "new-secret"), NOW)
    assert refused.value.reason == "WEBHOOK_BODY_INVALID"


@pytest.mark.parametrize(
    ("state", "disputed", "lost"),
    [
        ("EVIDENCE_REQUIRED", True, False), ("PROCESSING", True, False), ("WON", False, False), ("LOST", True, True),
        ("ACCEPTED", True, True), ("INQUIRY_PROCESSING", None, None), ("INQUIRY_CLOSED", None, None),
    ],
)  # fmt: skip
def test_each_state_of_a_dispute_says_who_has_the_money(gateway, state, disputed, lost):
    money = {"amount": 1999, "currency": "USD"}
    told = {"id": "d", "state": state, "version": 3, "amount_money": money, "disputed_payment": {"payment_id": "sq1"}}
    said = gateway.read(signed(event("dispute", told), "new-secret"), NOW)[0].intent
    assert (said and (said.disputed, said.lost)) == (None if disputed is None else (disputed, lost))
    assert said is None or (said.dispute, said.dispute_stage, said.disputed_amount) == ("d", 3, Money(1999, "USD"))
