"""PayPal's webhooks: whoever changes one, or names another certificate, is not believed."""

import asyncio
import base64
import json
import random
import threading
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unauthenticated, Unavailable
from payment_service.domain.gateways import Delivery
from payment_service.handlers.receive_webhook import receive_webhook
from payment_service.outbound.gateways import paypal_webhooks
from payment_service.outbound.gateways.paypal_webhooks import Certificates, PayPalWebhooks

FOLDER = "https://api.paypal.com/v1/notifications/certs/"
SUBJECT = "messageverificationcerts.paypal.com"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT = "2026-11-23T12:00:00Z"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key=KEY, subject=SUBJECT, until=NOW + timedelta(days=90)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=365), until)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Folder:
    """PayPal's certificates, and how often they were fetched."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content, self.fetched = content, []

    def __call__(self, url: str) -> bytes:
        self.fetched.append(url)
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def euros(amount: Mapping[str, Any]) -> Money:
    assert amount["currency_code"] == "EUR"
    return Money(int(Decimal(amount["value"]) * 100), "EUR")


def reading(content: bytes | Exception | None = None) -> tuple[PayPalWebhooks, Folder]:
    folder = Folder(certificate() if content is None else content)
    return PayPalWebhooks(["new-id", "old-id"], Certificates(FOLDER, SUBJECT, folder), euros), folder


def signed(body: bytes, *, id: str = "new-id", sent: str = SENT, url: str = f"{FOLDER}CERT-1", key=KEY) -> Delivery:
    message = f"69cd13f0|{sent}|{id}|{zlib.crc32(body)}".encode()
    headers = {
        "paypal-transmission-id": "69cd13f0",
        "paypal-transmission-time": sent,
        "paypal-transmission-sig": base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode(),
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": url,
    }
    return Delivery(body, headers, "https://shop.example/hook")


def event(resource: object) -> bytes:
    return json.dumps({"id": "WH-1", "event_type": "X", "resource": resource}).encode()


GOOD = signed(event({"id": "5O1", "purchase_units": [{"custom_id": "f" * 32}]}))


@pytest.mark.parametrize("id", ["new-id", "old-id"])
def test_a_notice_names_the_order_by_either_webhook_id(id):
    webhooks, folder = reading()
    related = {"supplementary_data": {"related_ids": {"order_id": "5O1"}}}
    for resource, reference in [
        ({"id": "5O1", "purchase_units": [{"custom_id": "f" * 32}]}, "5O1"),
        ({"id": "2CA", "custom_id": "f" * 32, **related}, "5O1"),
        ({"id": "1RE", "custom_id": f"{'f' * 32}.{'a' * 32}"}, ""),
    ]:
        first, again = (webhooks.read(signed(event(resource), id=id), NOW)[0] for _ in range(2))
        assert first == again
        assert (first.id, first.key, first.reference) == ("WH-1", "f" * 32, reference)
    assert webhooks.read(signed(event({"id": "I-1"}), id=id), NOW)[0].key == ""
    assert folder.fetched == [f"{FOLDER}CERT-1"]


def test_no_changed_webhook_is_believed():
    """INVARIANT: 500 changes of a good one, each refused, and not one more certificate is fetched for them."""
    webhooks, folder = reading()
    assert webhooks.read(GOOD, NOW)
    chance = random.Random(20261123)
    for turn in range(500):
        name = [*GOOD.headers, ""][turn % (len(GOOD.headers) + 1)]
        if not name:
            bad = replace(GOOD, body=altered(GOOD.body, chance))
        else:
            changed = altered(GOOD.headers[name].encode(), chance).decode("latin-1")
            if name == "paypal-cert-url" and changed.startswith(FOLDER):
                # PayPal does not sign the address; another certificate of its own would be as good as this.
                changed = changed.replace("api.paypal.com", "api.paypa1.com")
            bad = replace(GOOD, headers={**GOOD.headers, name: changed})
        with pytest.raises(Unauthenticated):
            webhooks.read(bad, NOW)
    for name in GOOD.headers:
        with pytest.raises(Unauthenticated):
            webhooks.read(replace(GOOD, headers={key: GOOD.headers[key] for key in GOOD.headers if key != name}), NOW)
    for bad in (signed(GOOD.body, id="other-id"), signed(GOOD.body, key=rsa.generate_private_key(65537, 2048))):
        with pytest.raises(Unauthenticated):
            webhooks.read(bad, NOW)
    assert len(folder.fetched) == 1


def altered(given: bytes, chance: random.Random) -> bytes:
    """One byte is another, missing or doubled, and what comes out is something else."""
    at, kind = chance.randrange(len(given)), chance.randrange(3)
    middle = (bytes([given[at] ^ chance.randrange(1, 256)]), b"", given[at : at + 1] * 2)[kind]
    return given[:at] + middle + given[at + 1 :]


@pytest.mark.parametrize("minutes", [-6, 6, 60])
def test_a_webhook_of_another_time_is_refused(minutes):
    webhooks, _ = reading()
    with pytest.raises(Unauthenticated) as refused:
        webhooks.read(GOOD, NOW + timedelta(minutes=minutes))
    assert refused.value.reason == "WEBHOOK_TOO_OLD"
    assert webhooks.read(GOOD, NOW + timedelta(minutes=4))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        f"{FOLDER}../../../evil",
        f"{FOLDER}CERT-1?to=evil",
        f"{FOLDER}CERT-1\n",
        FOLDER,
        "",
    ],
)
def test_no_certificate_is_fetched_from_elsewhere(url):
    webhooks, folder = reading()
    with pytest.raises(Unauthenticated):
        webhooks.read(signed(GOOD.body, url=url), NOW)
    assert folder.fetched == []


@pytest.mark.parametrize(
    "content",
    [
        certificate(subject="evil.example"),
        certificate(until=NOW - timedelta(days=1)),
        b"no certificate",
        certificate(key=ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_a_certificate_that_is_not_paypals_proves_nothing(content):
    webhooks, _ = reading(content)
    with pytest.raises(Unauthenticated):
        webhooks.read(GOOD, NOW)


def test_certificates_that_are_not_to_be_had_are_looked_for_seldom():
    webhooks, folder = reading(httpx.ConnectError("down"))
    for name in ("CERT-1", "CERT-2", "CERT-1"):
        with pytest.raises(Unavailable) as refused:
            webhooks.read(signed(GOOD.body, url=f"{FOLDER}{name}"), NOW)
        assert refused.value.retry_after > timedelta(0)
    assert len(folder.fetched) == 1


async def test_the_loop_goes_on_while_a_certificate_is_fetched_once_for_all_who_wait():
    """INVARIANT: no payer waits for PayPal's certificates."""
    asked, answered = threading.Event(), threading.Event()

    class Slow(Folder):
        def __call__(self, url: str) -> bytes:
            asked.set()
            assert answered.wait(10)
            return super().__call__(url)

    folder = Slow(certificate())
    webhooks = PayPalWebhooks(["new-id"], Certificates(FOLDER, SUBJECT, folder), euros)
    reading = [asyncio.create_task(webhooks.read_apart(GOOD, NOW)) for _ in range(3)]
    while not asked.is_set():
        await asyncio.sleep(0)
    assert not any(each.done() for each in reading)
    answered.set()
    assert [[each.id for each in found] for found in await asyncio.gather(*reading)] == [["WH-1"]] * 3
    assert len(folder.fetched) == 1
    webhooks.close_readers()


async def test_what_fetches_is_never_read_on_the_loop():
    webhooks, folder = reading()
    loop, readers, kept = threading.get_ident(), [], []
    folder.read = webhooks.read
    webhooks.read = lambda *given: (readers.append(threading.get_ident()), folder.read(*given))[1]

    class Inbox:
        async def keep(self, gateway, notices, delivery, now, *, applied):
            kept.extend(each.id for each in notices)

    await receive_webhook(Inbox(), "paypal", webhooks, GOOD, clock=lambda: NOW, on_kept=lambda _: None)
    assert (kept, len(readers)) == (["WH-1"], 1)
    assert readers[0] != loop
    webhooks.close_readers()


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(302, headers={"Location": "https://evil.example"}), httpx.Response(200, content=b"x" * 70_000)],
)
def test_a_fetch_follows_nobody_and_reads_no_flood(answer, monkeypatch):
    transport = httpx.MockTransport(lambda _: answer)
    monkeypatch.setattr(paypal_webhooks.httpx, "stream", httpx.Client(transport=transport).stream)
    with pytest.raises(httpx.HTTPError):
        paypal_webhooks.fetched(f"{FOLDER}CERT-1")


@pytest.mark.parametrize("body", [b"nothing", b"[]", b'{"resource": {}}', b'{"id": "e", "resource": 7}'])
def test_a_signed_body_that_is_no_event_is_refused(body):
    webhooks, _ = reading()
    with pytest.raises(InvalidArgument) as refused:
        webhooks.read(signed(body), NOW)
    assert refused.value.reason == "WEBHOOK_BODY_INVALID"


@pytest.mark.parametrize(
    ("status", "outcome", "disputed", "lost"),
    [
        ("OPEN", "", True, False), ("UNDER_REVIEW", "", True, False), ("WAITING_FOR_SELLER_RESPONSE", "", True, False),
        ("RESOLVED", "RESOLVED_BUYER_FAVOUR", True, True), ("RESOLVED", "ACCEPTED", True, True),
        ("RESOLVED", "RESOLVED_SELLER_FAVOUR", False, False), ("RESOLVED", "CANCELED_BY_BUYER", False, False),
        ("RESOLVED", "RESOLVED_WITH_PAYOUT", False, False),
    ],
)  # fmt: skip
def test_a_dispute_says_who_has_the_money(status, outcome, disputed, lost):
    told = dispute({"custom": "f" * 32}, status=status, dispute_outcome={"outcome_code": outcome})
    [notice] = reading()[0].read(signed(told), NOW)
    assert (notice.id, notice.key, notice.reference) == ("WH-1", "f" * 32, "")
    said = notice.intent
    assert (said.disputed, said.lost, said.disputed_amount) == (disputed, lost, Money(300, "EUR"))
    assert (said.dispute, said.dispute_stage) == ("PP-D-1", 1_529_588_144_500)


def test_a_dispute_of_several_payments_tells_of_each_and_of_none_that_is_not_ours():
    told = dispute({"custom": f"{'f' * 32}.x"}, {"invoice_number": "e" * 32}, {"buyer_transaction_id": "00D"})
    first, second, third = reading()[0].read(signed(told), NOW)
    assert (first.key, second.key, third.key, third.reference, third.intent) == ("f" * 32, "e" * 32, "", "", None)
    assert (first.id, second.id, first.intent.disputed_amount) == ("WH-1", "WH-1:1", None)


def test_a_dispute_that_says_nothing_of_ours_is_found_by_its_capture():
    for about in ({"seller_transaction_id": "00D"}, {"seller_transaction_id": "00D", "custom": ""}):
        [notice] = reading()[0].read(signed(dispute(about)), NOW)
        assert (notice.key, notice.reference, notice.intent.disputed) == ("", "00D", True)
    [notice] = reading()[0].read(signed(dispute({"seller_transaction_id": "00D", "custom": "f" * 32})), NOW)
    assert (notice.key, notice.reference) == ("f" * 32, "")


def test_what_a_lost_dispute_has_taken_is_what_went_to_the_buyer():
    outcome = {"outcome_code": "RESOLVED_BUYER_FAVOUR", "amount_refunded": {"currency_code": "EUR", "value": "2.00"}}
    told = dispute({"custom": "f" * 32}, status="RESOLVED", dispute_outcome=outcome)
    assert reading()[0].read(signed(told), NOW)[0].intent.disputed_amount == Money(200, "EUR")


@pytest.mark.parametrize("wrong", [{"update_time": "lately"}, {"dispute_amount": {"value": "x"}}, {"status": None}])
def test_a_dispute_that_cannot_be_read_is_refused(wrong):
    told = dispute({"custom": "f" * 32}, **wrong)
    if wrong == {"status": None}:
        told = json.dumps({"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": {}}).encode()
    with pytest.raises(InvalidArgument):
        reading()[0].read(signed(told), NOW)


def dispute(*about: Mapping[str, str], **changed: object) -> bytes:
    resource = {
        "dispute_id": "PP-D-1", "disputed_transactions": about, "status": "OPEN",
        "update_time": "2018-06-21T13:35:44.500Z",
        "dispute_amount": {"currency_code": "EUR", "value": "3.00"}, **changed,
    }  # fmt: skip
    return json.dumps({"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.UPDATED", "resource": resource}).encode()
