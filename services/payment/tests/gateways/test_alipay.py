"""What is particular about Alipay: trades that are not there yet, two ways to pay, China's time, and RSA2 alone."""

import json
import logging
import os
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from gateway_sandbox.alipay.signing import make_credentials
from payment_service.domain.gateways import ActionKind, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.alipay import open_gateway
from payment_service.outbound.gateways.alipay_client import NoAnswer, answer_of, china_instant, china_text
from payment_service.outbound.gateways.on_the_loop import run

only_alipay = pytest.mark.parametrize("far", ["alipay"], indirect=True)
NOW = datetime(2027, 3, 1, 20, tzinfo=UTC)  # the next day in China


@pytest.fixture(scope="module")
def credentials():
    """Of an app, and of Alipay under names with far_."""
    return make_credentials("http://127.0.0.1:9")


@pytest.fixture
def ours(tmp_path):
    """What `far` works with."""
    return json.loads((tmp_path / "credentials.json").read_text())["alipay"]


def test_only_whole_fen_of_yuan_are_taken():
    can = capabilities_of("alipay")
    assert can.decimal_text(Money(1999, "CNY")) == "19.99"
    assert can.decimal_text(Money(5, "CNY")) == "0.05"
    assert can.fee_of(Money(10_000, "CNY")) == Money(60, "CNY")
    assert can.takes("alipay_qr", "CNY", "CN")
    assert can.takes("alipay", "CNY")
    for amount in (Money(0, "CNY"), Money(10_000_000_001, "CNY"), Money(500, "JPY"), Money(1000, "KWD")):
        with pytest.raises(InvalidArgument, match="AMOUNT_NOT_CHARGEABLE"):
            can.gateway_units(amount)


@pytest.mark.parametrize("zone", ["UTC", "America/Toronto", "Pacific/Kiritimati"])
async def test_times_are_those_of_china_wherever_the_host_is(credentials, zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
            sent = gateway._client.build_body("alipay.trade.query", {})["timestamp"]
        assert abs(china_instant(sent) - datetime.now(UTC)) < timedelta(minutes=1)
        assert china_text(NOW) == "2027-03-02 04:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != zone


@pytest.mark.parametrize(
    ("code", "sub_code", "expected"),
    [
        ("20000", "isp.unknow-error", "GATEWAY_UNAVAILABLE"),
        ("40004", "ACQ.SYSTEM_ERROR", "GATEWAY_UNAVAILABLE"),
        ("40004", "AQC.SYSTEM_ERROR", "GATEWAY_UNAVAILABLE"),
        ("40005", "isv.app-call-limited", "GATEWAY_UNAVAILABLE"),
        ("40002", "isv.method-call-limited", "GATEWAY_UNAVAILABLE"),
        ("", "", "GATEWAY_UNAVAILABLE"),
        ("40002", "isv.invalid-signature", "GATEWAY_REFUSES_US"),
        ("40002", "isv.invalid-app-id", "GATEWAY_REFUSES_US"),
        ("40006", "", "GATEWAY_REFUSES_US"),
        ("40004", "ACQ.ACCESS_FORBIDDEN", "GATEWAY_REFUSES_US"),
    ],
)
def test_what_helps_to_repeat_is_unavailable(code, sub_code, expected):
    with pytest.raises(Unavailable) as caught:
        answer_of({"code": code, "sub_code": sub_code, "sub_msg": "secret-of-the-payer"})
    assert caught.value.reason == expected


@pytest.mark.parametrize(
    ("code", "sub_code", "kind"),
    [
        ("40001", "isv.missing-method", InvalidArgument),
        ("40002", "isv.invalid-parameter", InvalidArgument),
        ("40004", "ACQ.TOTAL_FEE_EXCEED", FailedPrecondition),
        ("40004", "ACQ.TRADE_NOT_EXIST", NotFound),
        ("40004", "", FailedPrecondition),
    ],
)
def test_a_definite_no_says_what_is_wrong_in_our_words(code, sub_code, kind):
    refusal = answer_of({"code": code, "sub_code": sub_code, "sub_msg": "secret-of-the-payer"}).refusal()
    assert type(refusal) is kind
    assert "secret-of-the-payer" not in f"{refusal}{refusal.metadata}"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (500, "", "GATEWAY_UNAVAILABLE"),
        (302, "", "GATEWAY_UNAVAILABLE"),
        (200, "<html>", "GATEWAY_UNAVAILABLE"),
        (200, "[]", "GATEWAY_UNAVAILABLE"),
        (200, '{"sign":"x"}', "GATEWAY_UNAVAILABLE"),
        (200, '{"alipay_trade_query_response":{"code":"10000","trade_status":"TRADE_SUCCESS"}}', "GATEWAY_UNAVAILABLE"),
        (200, '{"alipay_trade_query_response":{"code":"10000"},"sign":"AAAA"}', "GATEWAY_UNAVAILABLE"),
        (
            200,
            '{"alipay_trade_query_response":{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}}',
            "GATEWAY_UNAVAILABLE",
        ),
        (200, '{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}', "GATEWAY_REFUSES_US"),
    ],
)
async def test_what_alipay_has_not_signed_is_no_answer(credentials, far_order, answering, status, text, expected):
    answering(status, text.encode())
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        with pytest.raises(Unavailable) as caught:
            await gateway.find(far_order, "")
    assert caught.value.reason == expected


async def test_nobody_at_the_other_end_is_unavailable(credentials, far_order):
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
            await gateway.find(far_order, "")
        with pytest.raises(NoAnswer):
            await run(gateway._client.api_alipay_trade_query, "a")


@pytest.fixture
def far_order():
    """Any order."""
    return Order("a" * 32, "payments/p", "events/e/bookings/b", Money(1, "CNY"), "alipay_qr", "x", "https://s", NOW)


@only_alipay
async def test_a_trade_is_waited_for_before_the_code_is_scanned_and_until_it_is_over(far):
    order, first = await far.begun()
    assert await far.gateway.find(order, "") is None
    found = await far.gateway.find(order, first.reference)
    assert (found.state, found.action) == (IntentState.ACTION_REQUIRED, first.action)
    old = replace(order, create_time=datetime.now(UTC) - timedelta(hours=2, seconds=1))
    assert (await far.gateway.find(old, first.reference)).state is IntentState.CANCELLED
    with pytest.raises(NotFound):
        await far.gateway.confirm(far.order(), "")


@only_alipay
async def test_after_two_hours_the_code_is_no_good(far):
    order, intent = await far.begun(create_time=datetime.now(UTC) - timedelta(hours=2, seconds=1))
    await far.decide(intent, passes=True)
    assert await far.charges(order) == 0


@only_alipay
async def test_beginning_what_is_over_says_how_it_ended(far):
    order, _ = await far.paid()
    again = await far.gateway.begin(order)
    assert (again.state, again.captured) == (IntentState.SUCCEEDED, order.amount)
    other, intent = await far.begun()
    async with httpx.AsyncClient() as payer:
        await payer.get(intent.action.value)
    assert (await far.gateway.begin(other)).reference == intent.reference
    await far.gateway.cancel(other, intent.reference)
    assert (await far.gateway.begin(other)).state is IntentState.CANCELLED
    third, _ = await far.begun()
    with pytest.raises(FailedPrecondition, match="GATEWAY_REFUSED"):
        await far.gateway.begin(replace(third, amount=Money(1, "CNY")))
    with pytest.raises(FailedPrecondition, match="cannot be reserved"):
        await far.gateway.begin(far.order(capture=False))


@only_alipay
async def test_a_code_that_was_called_off_before_anybody_scanned_it_pays_nothing(far):
    """Also for a process that has not called it off itself: nothing of it is remembered anywhere."""
    order, intent = await far.begun()
    assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    await far.decide(intent, passes=True)
    assert await far.charges(order) == 0
    assert (await far.gateway.find(order, intent.reference)).state is IntentState.ACTION_REQUIRED
    assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    old = replace(order, create_time=order.create_time - timedelta(hours=3))
    assert (await far.gateway.find(old, intent.reference)).state is IntentState.CANCELLED


@only_alipay
async def test_money_that_calling_off_sends_back_does_not_count_as_paid(far):
    """INVARIANT: an order that was called off is never taken for paid, however close the payer was."""
    order, intent = await far.begun()
    close = far.gateway._client.api_alipay_trade_close

    def overtaken(**asked):
        answer = close(**asked)  # there is no such trade
        for verb in (httpx.get, httpx.post):
            verb(intent.action.value, **({"data": {"pays": "yes"}} if verb is httpx.post else {}))
        return answer

    far.gateway._client.api_alipay_trade_close = overtaken
    assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    assert await far.charges(order) == 1
    totals = (await far.control("totals"))["currencies"]["CNY"]
    assert totals["refunded"] == order.amount.minor_units
    assert (await far.gateway.find(order, intent.reference)).state is IntentState.CANCELLED


@only_alipay
async def test_what_was_paid_and_wholly_refunded_was_paid(far):
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)
    found = await far.gateway.find(order, done.reference)
    assert (found.state, found.captured) == (IntentState.SUCCEEDED, order.amount)


@only_alipay
async def test_a_refund_onto_a_card_arrives_a_moment_later(far):
    order, done = await far.paid()
    made = await far.gateway.refund(order, done.reference, Money(177, "CNY"), id="a" * 32)
    assert made.progress is Progress.PENDING
    assert await far.gateway.refunds_of(order, done.reference, ["a" * 32, "b" * 32]) == {}

    async def arrived():
        known = await far.gateway.refunds_of(order, done.reference, ["a" * 32, "b" * 32])
        return known.keys() == {"a" * 32} and known["a" * 32].progress is Progress.SUCCEEDED

    await far.until(arrived)
    unpaid, intent = await far.begun()
    refused = await far.gateway.refund(unpaid, intent.reference, order.amount, id="c" * 32)
    assert refused.progress is Progress.FAILED


@only_alipay
async def test_a_payer_on_alipays_page_pays_once_and_comes_back(far):
    order, intent = await far.begun(method="alipay")
    assert intent.action.kind is ActionKind.REDIRECT
    assert await far.gateway.find(order, "") is None
    found = await far.gateway.find(order, intent.reference)
    assert found.action.kind is ActionKind.REDIRECT
    async with httpx.AsyncClient() as payer:
        page = (await payer.get(found.action.value)).headers["location"]
        assert (await far.gateway.find(order, intent.reference)).state is IntentState.ACTION_REQUIRED
        back = (await payer.post(page, data={"pays": "yes"})).headers["location"]
    assert back.startswith(f"{order.return_uri}?")
    assert parse_qs(urlsplit(back).query)["out_trade_no"] == [order.key]
    done = await far.gateway.find(order, intent.reference)
    assert (done.state, done.captured) == (IntentState.SUCCEEDED, order.amount)
    assert await far.charges(order) == 1


@only_alipay
async def test_a_page_that_was_called_off_before_it_was_opened_is_told_of_when_it_is_paid_all_the_same(far):
    """Nothing was sent of it that Alipay could call off; money that comes then goes back, as any late money."""
    order, intent = await far.begun(method="alipay")
    for _ in range(2):
        assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    async with httpx.AsyncClient() as payer:
        page = await payer.get(intent.action.value, follow_redirects=True)
        await payer.post(page.url, data={"pays": "yes"})
    found = await far.gateway.find(order, intent.reference)
    assert (found.state, found.captured) == (IntentState.SUCCEEDED, order.amount)
    assert (await far.gateway.refund(order, found.reference, order.amount, id="a" * 32)).progress is Progress.SUCCEEDED


@only_alipay
async def test_what_confuses_alipay_or_its_sdk_is_left_out_of_the_subject(far):
    order, done = await far.paid(description='A/B = "C" & {D} é 音乐会')
    assert done.captured == order.amount


@only_alipay
async def test_with_a_wrong_key_payments_are_out_of_order_and_no_secret_is_told(far, ours, credentials, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = {**ours, "private_key": credentials["private_key"]}
    async with open_gateway(wrong, timeout=5.0, webhook_url=far.inbox.url) as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_REFUSES_US") as caught:
            await gateway.begin(far.order())
    shown = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "the gateway does not accept us" in shown
    for secret in credentials["private_key"].split("\n")[1:3]:
        assert secret not in shown


@only_alipay
async def test_an_answer_of_somebody_else_is_none_but_one_with_the_other_live_key_is(far, ours, credentials):
    forged = {**ours, "alipay_public_key": credentials["alipay_public_key"]}
    async with open_gateway(forged, timeout=5.0, webhook_url=far.inbox.url) as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
            await gateway.begin(far.order())
    both = {**ours, "alipay_public_key": f"{credentials['alipay_public_key']},{ours['alipay_public_key']}"}
    async with open_gateway(both, timeout=5.0, webhook_url=far.inbox.url) as gateway:
        assert (await gateway.begin(far.order())).state is IntentState.ACTION_REQUIRED


@only_alipay
@pytest.mark.parametrize(
    ("method", "content", "sub_code"),
    [
        ("alipay.trade.precreate", {"surprise": "1"}, "ACQ.INVALID_PARAMETER"),
        ("alipay.trade.precreate", {"total_amount": "1.999"}, "ACQ.INVALID_PARAMETER"),
        ("alipay.trade.precreate", {"total_amount": "0.00"}, "ACQ.TOTAL_FEE_EXCEED"),
        ("alipay.trade.refund", {"refund_amount": "1"}, "ACQ.INVALID_PARAMETER"),
        ("alipay.trade.close", {}, "ACQ.TRADE_NOT_EXIST"),
        ("alipay.trade.nothing", {}, "isv.invalid-method"),
    ],
)
async def test_the_far_end_refuses_what_alipay_refuses(far, method, content, sub_code):
    good = {"out_trade_no": "a" * 32, "total_amount": "1.00", "subject": "x"}
    told = await run(far.gateway._client.server_api, method, {**good, **content})
    assert (told["sub_code"], told["code"] == "10000") == (sub_code, False)
