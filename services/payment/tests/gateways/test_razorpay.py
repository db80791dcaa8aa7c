"""What is Razorpay's own: its checkout's signature, capture by us alone, its amounts, errors and webhooks."""

import asyncio
import hashlib
import hmac
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import razorpay

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Unauthenticated, Unavailable
from payment_service.domain.gateways import FailureKind, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.razorpay import RazorpayGateway, open_gateway

ONLY = pytest.mark.parametrize("far", ["razorpay"], indirect=True)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEYS = {
    "key_id": "rzp_test_1",
    "key_secret": "the key's secret",
    "webhook_secret": "first,second",
    "url": "http://far.example",
}
ORDER = Order(
    "a" * 32, "payments/1", "events/1/bookings/1", Money(49_900, "INR"), "upi", "Concert", "http://shop.example/", NOW
)  # fmt: skip


@pytest.fixture
async def gateway():
    async with open_gateway(KEYS, timeout=1.0, webhook_url="") as opened:
        yield opened


def signed(body, secret="second"):
    return {"x-razorpay-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


@ONLY
async def test_a_token_is_taken_as_the_checkout_gives_it_or_with_a_bar(far):
    order, intent = await far.begun()
    given = json.loads(await far.hands.browser(far, intent, True))
    token = f"{given['razorpay_payment_id']}|{given['razorpay_signature']}"
    assert (await far.gateway.confirm(replace(order, token=token), intent.reference)).state is IntentState.SUCCEEDED


@ONLY
async def test_a_token_of_another_order_or_without_a_signature_takes_nothing(far):
    order, intent = await far.begun()
    _, other = await far.begun()
    token = json.loads(await far.hands.browser(far, other, True))
    forged = {**token, "razorpay_order_id": intent.reference}
    own = json.loads(await far.hands.browser(far, intent, True))
    unsigned = {**own, "razorpay_signature": token["razorpay_signature"]}
    for bad in (
        json.dumps(token),
        json.dumps(forged),
        json.dumps(unsigned),
        '{"a": ' + "[" * 100_000,
        own["razorpay_payment_id"],
        "{",
        "[]",
        "{}",
        token["razorpay_payment_id"],
        "é|é",
        "|",
    ):
        done = await far.gateway.confirm(replace(order, token=bad), intent.reference)
        assert done.state is IntentState.OPEN
        assert done.failure.kind is FailureKind.REFUSED
    assert (await far.control("totals"))["currencies"] == {}


@ONLY
async def test_two_confirmations_at_once_take_the_money_once(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent)
    done = await asyncio.gather(*[far.gateway.confirm(order, intent.reference) for _ in range(4)])
    assert {(each.state, each.failure) for each in done} == {(IntentState.SUCCEEDED, None)}
    assert await far.charges(order) == 1


@ONLY
async def test_a_payer_who_left_after_paying_is_found_and_taken_without_a_token(far):
    order, intent = await far.begun()
    await far.hands.browser(far, intent, True)
    found = await far.gateway.find(order, intent.reference)
    assert found.state is IntentState.APPROVED
    assert await far.charges(order) == 0
    assert (await far.gateway.confirm(order, found.reference)).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


@ONLY
async def test_what_was_paid_after_it_was_called_off_is_never_captured(far):
    order, intent = await far.begun()
    await far.gateway.cancel(order, intent.reference)
    token = await far.hands.browser(far, intent, True)
    for again in (order, replace(order, token=token)):
        assert (await far.gateway.confirm(again, intent.reference)).state is IntentState.CANCELLED
    assert await far.charges(order) == 0


@ONLY
async def test_a_second_attempt_at_the_checkout_pays_after_a_first_that_failed(far):
    order, intent = await far.begun()
    failed = await far.hands.browser(far, intent, False)
    first = await far.gateway.confirm(replace(order, token=failed), intent.reference)
    assert (first.state, first.failure.kind) == (IntentState.OPEN, FailureKind.DECLINED)
    token = await far.hands.browser(far, intent, True)
    second = await far.gateway.confirm(replace(order, token=token), intent.reference)
    assert (second.state, second.failure) == (IntentState.SUCCEEDED, None)
    assert first.trace != second.trace


@ONLY
@pytest.mark.parametrize(
    ("address", "code", "kind"),
    [
        ("failure@razorpay", "payment_failed", FailureKind.DECLINED),
        ("poor@razorpay", "insufficient_funds", FailureKind.DECLINED),
        ("down@razorpay", "gateway_technical_error", FailureKind.GATEWAY),
        ("blocked@razorpay", "payment_risk_check_failed", FailureKind.REFUSED),
    ],
)
async def test_each_kind_of_failure_is_told(far, address, code, kind):
    order, intent = await far.begun()
    token = await far.hands.browser(far, intent, False, address=address)
    failure = (await far.gateway.confirm(replace(order, token=token), intent.reference)).failure
    assert (failure.code, failure.kind) == (code, kind)
    assert failure.message


@ONLY
async def test_reserved_money_is_taken_whole_and_once(far):
    order, intent = await far.begun(capture=False)
    order = await far.agreed(order, intent)
    reserved = await far.gateway.confirm(order, intent.reference)
    assert reserved.state is IntentState.AUTHORIZED
    assert await far.charges(order) == 0
    with pytest.raises(FailedPrecondition):
        await far.gateway.capture(order, intent.reference, Money(100, "INR"))
    for _ in range(2):
        done = await far.gateway.capture(order, intent.reference, order.amount)
        assert (done.state, done.captured) == (IntentState.SUCCEEDED, order.amount)
    assert await far.charges(order) == 1


@ONLY
@pytest.mark.parametrize(
    ("address", "ends"), [("slowrefund@razorpay", Progress.SUCCEEDED), ("norefund@razorpay", Progress.FAILED)]
)
async def test_a_refund_that_takes_its_time_ends_by_itself(far, address, ends):
    order, intent = await far.begun()
    token = await far.hands.browser(far, intent, True, address=address)
    done = await far.gateway.confirm(replace(order, token=token), intent.reference)
    made = await far.gateway.refund(order, done.reference, order.amount, id="d" * 32)
    assert made.progress is Progress.PENDING

    async def ended():
        known = await far.gateway.refunds_of(order, done.reference, {"d" * 32: made.reference})
        return known["d" * 32].progress is ends

    await far.until(ended)


@ONLY
async def test_the_account_has_a_line_a_payment_and_a_refund(far):
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(100, "INR"), id="e" * 32)
    now = datetime.now(UTC)
    lines = await far.gateway.entries(now - timedelta(hours=1), now + timedelta(hours=1))
    assert sorted((line.kind, line.amount.minor_units) for line in lines) == [("charge", 49_900), ("refund", 100)]
    assert {line.reference for line in lines} == {done.reference}
    assert next(line.fee for line in lines if line.kind == "charge") == Money(1_178, "INR")
    assert await far.gateway.entries(now - timedelta(hours=3), now - timedelta(hours=2)) == []


@ONLY
async def test_altered_webhooks_are_refused_whatever_was_altered(far, tools):
    _, done = await far.paid()

    async def arrived():
        return any(b"order.paid" in one.body for one in far.inbox.deliveries)

    await far.until(arrived)
    good = next(one for one in far.inbox.deliveries if b"order.paid" in one.body)
    now = datetime.now(UTC)
    assert [notice.reference for notice in far.gateway.read(good, now)] == [done.reference]
    assert far.gateway.read(good, now) == far.gateway.read(good, now)
    for bad in tools.mutations(good, headers=["x-razorpay-signature"]):
        with pytest.raises(Unauthenticated):
            far.gateway.read(bad, now)


async def test_either_of_two_secrets_may_have_signed_and_no_third(gateway, far_delivery):
    body = b'{"entity": "event", "payload": {"payment": {"entity": {"entity": "payment", "order_id": "order_1"}}}}'
    for secret in ("first", "second"):
        (notice,) = gateway.read(far_delivery(body, signed(body, secret)), NOW)
        assert notice.reference == "order_1"
    for headers in (signed(body, "third"), signed(body, "first,second"), {}, {"x-razorpay-signature": "é"}):
        with pytest.raises(Unauthenticated):
            gateway.read(far_delivery(body, headers), NOW)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"payload": []}', b'{"payload": {"a": {}}}', b'{"payload": {"a": 1}}']
)
async def test_a_signed_body_that_is_no_event_is_refused(gateway, far_delivery, body):
    with pytest.raises(InvalidArgument):
        gateway.read(far_delivery(body, signed(body)), NOW)


async def test_an_event_about_no_order_names_none(gateway, far_delivery):
    body = b'{"payload": {"settlement": {"entity": {"entity": "settlement", "id": "setl_1"}}}}'
    assert [notice.reference for notice in gateway.read(far_delivery(body, signed(body)), NOW)] == [""]


@pytest.mark.parametrize(
    ("status", "body", "reason", "kind"),
    [
        (400, {"error": {"code": "BAD_REQUEST_ERROR", "reason": "x"}}, "GATEWAY_REFUSED", InvalidArgument),
        (401, {"error": {"code": "BAD_REQUEST_ERROR", "description": "x"}}, "GATEWAY_REFUSES_US", Unavailable),
        (403, {}, "GATEWAY_REFUSES_US", Unavailable),
        (409, {"error": {"code": "BAD_REQUEST_ERROR"}}, "GATEWAY_UNAVAILABLE", Unavailable),
        (429, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many"}}, "GATEWAY_UNAVAILABLE", Unavailable),
        (400, {"error": {"code": "GATEWAY_ERROR"}}, "GATEWAY_UNAVAILABLE", Unavailable),
        (302, b"", "GATEWAY_UNAVAILABLE", Unavailable),
        (500, {"error": {"code": "SERVER_ERROR"}}, "GATEWAY_UNAVAILABLE", Unavailable),
        (502, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
        (504, {"error": "text"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (200, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
    ],
)  # fmt: skip
async def test_each_answer_that_is_no_success_has_its_refusal(gateway, answering, capsys, status, body, reason, kind):
    answering(status, body)
    with pytest.raises(kind) as caught:
        await gateway.find(ORDER, "order_1")
    assert caught.value.reason == reason
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.SocketTimeoutError(), OSError("x")])
async def test_no_answer_is_unavailable_and_nothing_is_printed(gateway, answering, capsys, error):
    answering(error=error)
    with pytest.raises(Unavailable):
        await gateway.begin(ORDER)
    assert capsys.readouterr().out == ""


async def test_no_secret_goes_into_a_log_or_an_error(gateway, answering, tools, caplog):
    caplog.set_level(logging.DEBUG)
    order = replace(ORDER, token="pay_1|the_signature", buyer_email="payer@example.org")
    for status in (400, 401, 500):
        answering(
            status, {"error": {"code": "x", "description": "the key's secret pay_1|the_signature payer@example.org"}}
        )
        with pytest.raises(Exception, match="GATEWAY") as caught:
            await gateway.confirm(order, "order_1")
        shown = tools.everything(caught.value, caplog)
        assert not [each for each in ("the key's secret", "the_signature", "payer@example.org") if each in shown]


async def test_calls_do_not_write_into_the_dictionary_that_the_sdk_shares(gateway, answering):
    shared = razorpay.resources.Payment.capture.__defaults__[0]
    answering(400, {"error": {"code": "BAD_REQUEST_ERROR"}})
    with pytest.raises(InvalidArgument):
        await gateway._captured(ORDER, {"id": "order_1"}, {"id": "pay_1", "amount": 1, "currency": "INR"})
    assert shared == {}


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(49_900, "INR"), 49_900), (Money(500, "JPY"), 500), (Money(295_990, "KWD"), 295_990),
        (Money(295_991, "KWD"), None), (Money(99, "INR"), None), (Money(100, "INR"), 100), (Money(100, "ISK"), None),
    ],
)  # fmt: skip
def test_amounts_are_in_the_smallest_unit(amount, units):
    can = capabilities_of("razorpay")
    if units is None:
        with pytest.raises(InvalidArgument):
            can.gateway_units(amount)
    else:
        assert can.gateway_units(amount) == units
        assert can.money(units, amount.currency) == amount


def test_the_capability_file_says_what_it_is_used_for():
    can = capabilities_of("razorpay")
    assert can.takes("upi", "INR", "IN")
    assert not can.takes("upi", "USD", "IN")
    assert not can.takes("upi", "INR", "FR")
    assert can.takes("card", "USD", "FR")
    assert can.fee_of(Money(10_000, "INR")) == Money(236, "INR")


def test_a_token_is_no_part_of_what_the_gateway_shows():
    gateway = RazorpayGateway(razorpay.Client(auth=("id", "hidden")), ["hidden"])
    assert "hidden" not in repr(gateway)
