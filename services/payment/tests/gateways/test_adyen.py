"""What is Adyen's own: calls repeated to learn, results that come by webhook alone, 3-D Secure, its amounts."""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from payment_service.domain.gateways import ActionKind, FailureKind, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.adyen import open_gateway

ONLY = pytest.mark.parametrize("far", ["adyen"], indirect=True)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIRST, SECOND = ("A1" * 32, "B2" * 32)
KEYS = {
    "api_key": "the-api-key", "client_key": "test_client", "merchant_account": "Ours",
    "webhook_secret": f"{FIRST},{SECOND}", "url": "http://far.example",
}  # fmt: skip
ORDER = Order(
    "a" * 32, "payments/1", "events/1/bookings/1", Money(1_999, "EUR"), "card", "Concert", "http://shop.example/", NOW,
    token='{"paymentMethod": {"type": "scheme", "encryptedCardNumber": "the-card-number"}}',
    buyer_email="payer@example.org",
)  # fmt: skip


@pytest.fixture
async def gateway():
    async with open_gateway(KEYS, timeout=1.0, webhook_url="") as opened:
        yield opened


async def confirmed(far, token, **fields):
    order, intent = await far.begun(**fields)
    order = replace(order, token=token)
    return order, await far.gateway.confirm(order, intent.reference)


async def told(far, order):
    """What the gateway has said of an order by itself."""
    now = datetime.now(UTC)
    notices = [notice for one in far.inbox.deliveries for notice in far.gateway.read(one, now)]
    return [notice.intent.state for notice in notices if notice.key == order.key and notice.intent]


@ONLY
async def test_two_confirmations_at_once_take_the_money_once(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent)
    done = await asyncio.gather(*[far.gateway.confirm(order, intent.reference) for _ in range(4)])
    assert {(each.state, each.reference) for each in done} == {(IntentState.SUCCEEDED, done[0].reference)}
    assert await far.charges(order) == 1


@ONLY
@pytest.mark.parametrize(
    ("holder", "code", "kind"),
    [
        ("NOT_ENOUGH_BALANCE", "12", FailureKind.DECLINED),
        ("CARD_EXPIRED", "6", FailureKind.DECLINED),
        ("DECLINED", "2", FailureKind.DECLINED),
        ("FRAUD", "20", FailureKind.REFUSED),
        ("NOT_SUPPORTED", "10", FailureKind.REFUSED),
        ("ACQUIRER_ERROR", "4", FailureKind.GATEWAY),
    ],
)
async def test_each_kind_of_failure_is_told(far, holder, code, kind):
    order, done = await confirmed(far, far.hands.token(holder))
    assert (done.state, done.failure.code, done.failure.kind) == (IntentState.CANCELLED, code, kind)
    assert done.failure.message
    assert await far.charges(order) == 0


@ONLY
@pytest.mark.parametrize(
    "token",
    ["", "{", "[]", "text", "[" * 100_000, '{"paymentMethod": 1}', '{"details": {"redirectResult": "x"}}'],
    ids=lambda token: token[:30],
)
async def test_a_token_that_is_none_is_refused(far, token):
    _, done = await confirmed(far, token)
    assert (done.state, done.failure.kind) == (IntentState.OPEN, FailureKind.REFUSED)
    _, wrong_number = await confirmed(far, far.hands.token(number="test_1"))
    assert (wrong_number.failure.code, wrong_number.failure.kind) == ("101", FailureKind.REFUSED)
    assert (await far.control("totals"))["currencies"] == {}


@ONLY
@pytest.mark.parametrize("passes", [True, False])
async def test_a_challenge_of_3d_secure_is_met_or_not_and_told_with_the_way_back(far, passes):
    order, asked = await confirmed(far, far.hands.token(number="test_4917610000000000"))
    assert (asked.state, asked.action.kind) == (IntentState.ACTION_REQUIRED, ActionKind.REDIRECT)
    assert json.loads(asked.client["action"])["url"] == asked.action.value
    assert (await far.gateway.find(order, asked.reference)).action == asked.action
    async with httpx.AsyncClient() as client:
        answer = await client.post(asked.action.value, data={"pays": "yes" if passes else "no"})
    assert await far.charges(order) == 0
    came_back = parse_qs(urlsplit(answer.headers["location"]).query)["redirectResult"][0]
    order = replace(order, token=json.dumps({"details": {"redirectResult": came_back}}))
    for _ in range(2):
        done = await far.gateway.confirm(order, asked.reference)
        assert done.state is (IntentState.SUCCEEDED if passes else IntentState.CANCELLED)
        assert done.reference == asked.reference
    assert (await far.gateway.find(order, done.reference)).state is done.state
    assert passes or done.failure.code == "11"
    assert await far.charges(order) == (1 if passes else 0)


@ONLY
async def test_what_waits_for_its_payer_can_be_called_off(far):
    order, asked = await confirmed(far, far.hands.token(number="test_4917610000000000"))
    off = await far.gateway.cancel(order, asked.reference)
    assert (off.state, off.action) == (IntentState.CANCELLED, None)
    order, pending = await confirmed(far, far.hands.token("PENDING"))
    assert (await far.gateway.cancel(order, pending.reference)).state is IntentState.PROCESSING


@ONLY
async def test_reserved_money_is_taken_in_part_and_the_webhook_says_so(far):
    order, done = await confirmed(far, far.hands.token(), capture=False)
    assert (done.state, done.captured) == (IntentState.AUTHORIZED, None)
    assert await far.charges(order) == 0
    for _ in range(2):
        taken = await far.gateway.capture(order, done.reference, Money(1_000, "EUR"))
        assert taken.state is IntentState.PROCESSING

    async def said():
        return IntentState.SUCCEEDED in await told(far, order)

    await far.until(said)
    assert await told(far, order) == [IntentState.AUTHORIZED, IntentState.SUCCEEDED]
    assert (await far.control("totals"))["currencies"]["EUR"]["charged"] == 1_000


@ONLY
async def test_reserved_money_is_let_go_and_the_webhook_says_so(far):
    order, done = await confirmed(far, far.hands.token(), capture=False)
    for _ in range(2):
        assert (await far.gateway.cancel(order, done.reference)).state is IntentState.CANCELLED

    async def said():
        return IntentState.CANCELLED in await told(far, order)

    await far.until(said)
    assert await far.charges(order) == 0


@ONLY
async def test_a_refund_that_failed_is_told_by_its_own_id(far):
    order, done = await confirmed(far, far.hands.token("REFUND_FAILS"))
    made = await far.gateway.refund(order, done.reference, order.amount, id="d" * 32)
    assert made.progress is Progress.PENDING
    assert await far.gateway.refunds_of(order, done.reference, {"d" * 32: made.reference}) == {}

    async def failed():
        found = await far.refunds(order, done, {"d" * 32: made})
        assert not found or found["d" * 32].reference == made.reference
        return bool(found) and found["d" * 32].progress is Progress.FAILED

    await far.until(failed)


@pytest.mark.parametrize(
    ("status", "answer", "reason", "kind"),
    [
        (401, {"errorCode": "000"}, "GATEWAY_REFUSES_US", Unavailable),
        (403, {"errorCode": "901"}, "GATEWAY_REFUSES_US", Unavailable),
        (422, {"errorCode": "704"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (429, {}, "GATEWAY_UNAVAILABLE", Unavailable),
        (500, {"errorCode": "905"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (503, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
        (200, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
        (201, {"status": "other"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (400, {"errorCode": "702"}, "GATEWAY_REFUSED", InvalidArgument),
        (422, {"errorCode": "167"}, "GATEWAY_REFUSED", FailedPrecondition),
        (404, {}, "INTENT_UNKNOWN", NotFound),
    ],
)
async def test_each_answer_that_is_no_success_has_its_refusal(gateway, answering, status, answer, reason, kind):
    answering(status, answer)
    with pytest.raises(kind) as caught:
        await gateway.capture(ORDER, "PSP1", ORDER.amount)
    assert caught.value.reason == reason


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.SocketTimeoutError(), OSError("x")])
async def test_no_answer_is_unavailable(gateway, answering, error):
    answering(error=error)
    for asking in (gateway.confirm(ORDER, ""), gateway.refund(ORDER, "PSP1", ORDER.amount, id="d" * 32)):
        with pytest.raises(Unavailable):
            await asking


async def test_an_order_of_last_week_is_not_charged_again_to_look_at_it(gateway, answering):
    answering(200, {"resultCode": "Authorised", "pspReference": "PSP2"})
    now = datetime.now(UTC)
    with pytest.raises(FailedPrecondition):
        await gateway.find(replace(ORDER, create_time=now - timedelta(days=8)), "PSP1")
    fresh = await gateway.find(replace(ORDER, create_time=now - timedelta(days=6)), "PSP1")
    assert fresh.state is IntentState.SUCCEEDED


@pytest.mark.parametrize(
    "method", [{"type": "scheme", "number": "4111111111111111"}, {"type": "sepadirectdebit", "iban": "x"}, {}, None]
)
async def test_what_is_no_encrypted_card_is_not_passed_on(gateway, answering, method):
    answering(error=AssertionError("it was sent"))
    done = await gateway.confirm(replace(ORDER, token=json.dumps({"paymentMethod": method})), "")
    assert (done.state, done.failure.kind) == (IntentState.OPEN, FailureKind.REFUSED)
    assert "4111111111111111" not in str(done)


async def test_no_secret_goes_into_a_log_or_an_error(gateway, answering, tools, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = ("the-api-key", "the-card-number", "payer@example.org", FIRST, SECOND)
    for status in (401, 500):
        answering(status, {"errorCode": "x", "message": " ".join(secrets)})
        with pytest.raises(Unavailable) as caught:
            await gateway.confirm(ORDER, "")
        shown = tools.everything(caught.value, caplog)
        assert not [each for each in secrets if each in shown]
    answering(422, {"errorCode": "101", "message": " ".join(secrets)})
    refused = await gateway.confirm(ORDER, "")
    assert not [each for each in secrets if each in str(refused)]


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(4_500, "EUR"), 4_500), (Money(500, "JPY"), 500), (Money(1_234, "KWD"), 1_234),
        (Money(500, "ISK"), 50_000), (Money(500, "CLP"), 50_000), (Money(150_000, "IDR"), 1_500),
        (Money(150_050, "IDR"), None),
        (Money(100, "CVE"), 1), (Money(0, "EUR"), None), (Money(100, "KPW"), None),
    ],
)  # fmt: skip
def test_amounts_have_the_digits_that_adyen_gives_their_currency(amount, units):
    can = capabilities_of("adyen")
    if units is None:
        with pytest.raises(InvalidArgument):
            can.gateway_units(amount)
    else:
        assert can.gateway_units(amount) == units
        assert can.money(units, amount.currency) == amount


@pytest.mark.parametrize(
    ("environment", "address"), [("test", "checkout-test.adyen.com"), ("live", "ours-checkout-live.adyenpayments.com")]
)
async def test_without_an_address_it_speaks_to_adyen_itself(answering, environment, address):
    asked = answering(error=aiohttp.ServerDisconnectedError())
    keys = {name: value for name, value in KEYS.items() if name != "url"}
    live = {**keys, "environment": environment, "live_prefix": "ours"}
    async with open_gateway(live, timeout=1.0, webhook_url="") as opened:
        with pytest.raises(Unavailable):
            await opened.confirm(ORDER, "")
    assert urlsplit(asked[0]).netloc == address
    assert asked[0].endswith("/v72/payments")
