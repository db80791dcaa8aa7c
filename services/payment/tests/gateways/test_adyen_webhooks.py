"""Adyen's webhooks: eight fields of every item are signed, and what they say is all that is ever learnt of a change."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unauthenticated
from payment_service.domain.gateways import IntentState, Progress
from payment_service.outbound.gateways.adyen import open_gateway

ONLY = pytest.mark.parametrize("far", ["adyen"], indirect=True)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = ("A1" * 32, "B2" * 32, "C3" * 32)
KEYS = {
    "api_key": "the-api-key", "client_key": "test_client", "merchant_account": "Ours",
    "webhook_secret": f"{FIRST},{SECOND}", "url": "http://far.example",
}  # fmt: skip
SIGNED = (
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference", "value", "currency", "eventCode",
    "success",
)  # fmt: skip


@pytest.fixture
async def gateway():
    async with open_gateway(KEYS, timeout=1.0, webhook_url="") as opened:
        yield opened


def item(secret=SECOND, **fields):
    """One item of a notification as Adyen signs it."""
    said = {
        "amount": {"value": 1_999, "currency": "EUR"}, "eventCode": "AUTHORISATION", "merchantAccountCode": "Ours",
        "merchantReference": "a" * 32, "pspReference": "PSP1", "success": "true", **fields,
    }  # fmt: skip
    text = ":".join(str({**said, **said["amount"]}.get(name, "")) for name in SIGNED)
    signature = hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).digest()
    return {**said, "additionalData": {"hmacSignature": base64.b64encode(signature).decode()}}


def body(*items):
    return json.dumps(
        {"live": "false", "notificationItems": [{"NotificationRequestItem": one} for one in items]}
    ).encode()


@ONLY
async def test_altered_webhooks_are_refused_or_say_the_same(far, tools):
    order, _ = await far.paid()

    async def arrived():
        return bool(far.inbox.deliveries)

    await far.until(arrived)
    good, now = far.inbox.deliveries[-1], datetime.now(UTC)
    said, refused = far.gateway.read(good, now), 0
    assert [notice.key for notice in said] == [order.key]
    for bad in tools.mutations(good):
        try:
            assert far.gateway.read(bad, now) == said  # eight fields are signed, and no other is read
        except (Unauthenticated, InvalidArgument):
            refused += 1
    assert refused > 250


async def test_either_of_two_keys_may_have_signed_and_no_third(gateway, far_delivery):
    for key in (FIRST, SECOND):
        (notice,) = gateway.read(far_delivery(body(item(key)), {}), NOW)
        assert (notice.key, notice.reference) == ("a" * 32, "PSP1")
    unsigned = [
        {**item(), "additionalData": data} for data in ({}, {"hmacSignature": ""}, {"hmacSignature": None}, None)
    ]
    bare = {name: value for name, value in item().items() if name != "additionalData"}
    for wrong in (item(THIRD), bare, *unsigned):
        with pytest.raises(Unauthenticated):
            gateway.read(far_delivery(body(wrong), {}), NOW)


async def test_every_item_has_to_be_signed_and_not_only_the_first(gateway, far_delivery):
    """INVARIANT: no item is believed for the signature of another."""
    good = item()
    forged = {**item(pspReference="PSP2"), "merchantReference": "b" * 32}
    for items in (
        (good, forged),
        (forged, good),
        (good, item(THIRD)),
        ({**forged, "notificationItems": [{"NotificationRequestItem": good}]},),
    ):
        with pytest.raises(Unauthenticated):
            gateway.read(far_delivery(body(*items), {}), NOW)
    keys = [notice.key for notice in gateway.read(far_delivery(body(good, item(merchantReference="c" * 32)), {}), NOW)]
    assert keys == ["a" * 32, "c" * 32]


async def test_a_field_with_the_separator_in_it_is_about_nothing_of_ours(gateway, far_delivery):
    """The same text is signed when a part of one field stands in the next."""
    whole = item(merchantReference=f"{'a' * 32}:7")
    cut = {**whole, "merchantReference": "a" * 32, "amount": {"value": "7:1999", "currency": "EUR"}}
    moved = {**whole, "pspReference": "PSP1:", "originalReference": "Ours", "merchantAccountCode": "a" * 32}
    moved = {**moved, "merchantReference": "7"}
    for odd in (whole, cut, moved, item(merchantAccountCode="Theirs")):
        (notice,) = gateway.read(far_delivery(body(odd), {}), NOW)
        assert (notice.key, notice.reference, notice.intent, notice.refunds) == ("", "", None, {})


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, IntentState.AUTHORIZED),
        ({"success": "false"}, IntentState.CANCELLED),
        ({"eventCode": "CAPTURE", "originalReference": "PSP0"}, IntentState.SUCCEEDED),
        ({"eventCode": "CAPTURE", "originalReference": "PSP0", "success": "false"}, IntentState.CANCELLED),
        ({"eventCode": "CAPTURE_FAILED", "originalReference": "PSP0"}, IntentState.CANCELLED),
        ({"eventCode": "CANCELLATION", "originalReference": "PSP0"}, IntentState.CANCELLED),
        ({"eventCode": "CANCELLATION", "originalReference": "PSP0", "success": "false"}, None),
        ({"eventCode": "CHARGEBACK", "originalReference": "PSP0"}, IntentState.SUCCEEDED),
        ({"eventCode": "REPORT_AVAILABLE"}, None),
        ({"amount": {"value": 1, "currency": "KPW"}}, None),
    ],
)
async def test_each_event_says_where_the_order_stands(gateway, far_delivery, fields, state):
    (notice,) = gateway.read(far_delivery(body(item(**fields)), {}), NOW)
    assert (notice.intent and notice.intent.state) == state
    assert (notice.key, notice.reference) == ("a" * 32, fields.get("originalReference", "PSP1"))
    if fields.get("eventCode") == "CHARGEBACK":
        assert notice.intent.disputed
    if state is IntentState.SUCCEEDED and fields["eventCode"] == "CAPTURE":
        assert notice.intent.captured == Money(1_999, "EUR")


@pytest.mark.parametrize(
    ("event", "disputed", "lost"),
    [
        ("NOTIFICATION_OF_CHARGEBACK", True, False), ("CHARGEBACK", True, False), ("CHARGEBACK_REVERSED", False, False),
        ("PREARBITRATION_WON", False, False), ("PREARBITRATION_LOST", True, True), ("SECOND_CHARGEBACK", True, True),
        ("DISPUTE_DEFENSE_PERIOD_ENDED", True, True),
    ],
)  # fmt: skip
async def test_each_event_of_a_dispute_says_where_it_stands(gateway, far_delivery, event, disputed, lost):
    (notice,) = gateway.read(far_delivery(body(item(eventCode=event, originalReference="PSP0")), {}), NOW)
    assert (notice.intent.state, notice.intent.disputed, notice.intent.lost) == (IntentState.SUCCEEDED, disputed, lost)
    assert (notice.intent.dispute, notice.intent.disputed_amount) == ("PSP1", Money(1_999, "EUR"))


@pytest.mark.parametrize(
    ("event", "success", "progress"),
    [
        ("REFUND", "true", Progress.SUCCEEDED), ("REFUND", "false", Progress.FAILED),
        ("REFUND_FAILED", "true", Progress.FAILED), ("REFUNDED_REVERSED", "true", Progress.FAILED),
    ],
)  # fmt: skip
async def test_each_event_of_a_refund_says_what_became_of_it(gateway, far_delivery, event, success, progress):
    told = item(eventCode=event, success=success, merchantReference="d" * 32, originalReference="PSP0")
    (notice,) = gateway.read(far_delivery(body(told), {}), NOW)
    assert (notice.reference, notice.key, notice.intent) == ("PSP0", "", None)
    assert {id: refund.progress for id, refund in notice.refunds.items()} == {"d" * 32: progress}


@pytest.mark.parametrize(
    "wrong",
    [b"", b"{}", b"[]", b"\xff", b'{"notificationItems": []}', b'{"notificationItems": [1]}', b"[" * 100_000],
    ids=lambda body: str(body[:30]),
)
async def test_a_body_that_is_no_notification_is_refused(gateway, far_delivery, wrong):
    with pytest.raises(InvalidArgument):
        gateway.read(far_delivery(wrong, {}), NOW)


async def test_a_key_that_is_not_hexadecimal_is_refused_at_the_start():
    with pytest.raises(ValueError, match="hexadecimal"):
        async with open_gateway({**KEYS, "webhook_secret": "not in hex"}, timeout=1.0, webhook_url=""):
            pass
