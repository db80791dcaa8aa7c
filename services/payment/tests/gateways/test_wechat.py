"""What is particular about WeChat Pay: its codes, its closed notifications, and what it says no to."""

import asyncio
import base64
import json
import logging
import random
import string
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3.async_.type import RequestType

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable
from gateway_sandbox.wechat.signing import Signing, make_credentials
from payment_service.domain.gateways import ActionKind, Delivery, IntentState, Notice, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.connections import NoAnswer
from payment_service.outbound.gateways.wechat import open_gateway
from payment_service.outbound.gateways.wechat_answers import Answer, ask
from payment_service.outbound.gateways.wechat_callbacks import HEADERS

only_wechat = pytest.mark.parametrize("far", ["wechat"], indirect=True)
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


@pytest.fixture(scope="module")
def credentials():
    """Of a merchant, and of WeChat under names with far_."""
    return make_credentials("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def later():
    """The same merchant after both of WeChat's secrets were changed."""
    return make_credentials("http://127.0.0.1:9")


def notification(credentials, *, now=NOW, event="TRANSACTION.SUCCESS", content=None, body=None) -> Delivery:
    """As WeChat sends it at that time."""
    signing = Signing(credentials)
    content = content if content is not None else {"out_trade_no": "a" * 32, "trade_state": "SUCCESS"}
    told = {
        "id": "EV-2018022511223320873",
        "create_time": "2027-03-01T20:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": signing.closed("transaction", content),
    }
    payload = json.dumps(told).encode() if body is None else body
    stamp = str(int(now.timestamp()))
    key = load_pem_private_key(credentials["far_private_key"].encode(), None)
    signed = key.sign(f"{stamp}\nn0nce\n".encode() + payload + b"\n", PKCS1v15(), SHA256())
    headers = {name.lower(): value for name, value in signing.headers_for(payload).items()}
    headers |= {"wechatpay-timestamp": stamp, "wechatpay-nonce": "n0nce"}
    headers["wechatpay-signature"] = base64.b64encode(signed).decode()
    return Delivery(payload, headers, "https://shop.example/v1/webhooks/wechat")


async def reading(credentials, delivery, now=NOW):
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        return gateway.read(delivery, now)


def mutations(good: Delivery):
    """500 deliveries that differ from a good one in one place of the body or of a header that is signed."""
    chance = random.Random(4)
    for _ in range(500):
        where = chance.choice(("body", *HEADERS))
        text = good.body if where == "body" else good.headers[where].encode()
        at = chance.randrange(len(text))
        other = chance.choice([each for each in b"09azAZ+/=_- {}" if each != text[at]])
        before, after, one = text[:at], text[at + 1 :], bytes([other])
        changed = chance.choice((before + after, before + one + after, before + one + text[at:]))
        if where == "body":
            yield replace(good, body=changed)
        else:
            yield replace(good, headers={**good.headers, where: changed.decode("latin-1")})


async def test_a_notification_that_was_changed_anywhere_is_refused(credentials):
    """INVARIANT: only WeChat can say that an order is to be looked at."""
    good = notification(credentials)
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        assert gateway.read(good, NOW) == [Notice("EV-2018022511223320873", key="a" * 32, paid=True)]
        for bad in mutations(good):
            with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
                gateway.read(bad, NOW)
        for missing in HEADERS:
            headers = {name: value for name, value in good.headers.items() if name != missing}
            with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
                gateway.read(replace(good, headers=headers), NOW)


async def test_the_same_signature_spelled_otherwise_is_refused(credentials):
    good = notification(credentials)
    sign = good.headers["wechatpay-signature"]
    spelled = sign[:-3] + ALPHABET[ALPHABET.index(sign[-3]) + 1] + "=="
    assert base64.b64decode(spelled) == base64.b64decode(sign)
    for other in (spelled, f"{sign} ", sign.rstrip("=")):
        with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
            await reading(credentials, replace(good, headers={**good.headers, "wechatpay-signature": other}))


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)])
async def test_a_notification_counts_for_five_minutes_either_way(credentials, seconds, taken):
    good = notification(credentials)
    if taken:
        assert await reading(credentials, good, NOW + timedelta(seconds=seconds))
    else:
        with pytest.raises(Unauthenticated, match="WEBHOOK_TOO_OLD"):
            await reading(credentials, good, NOW + timedelta(seconds=seconds))


async def test_while_secrets_change_notifications_with_the_old_and_the_new_ones_count(credentials, later):
    names = ("public_key", "public_key_id", "apiv3_key")
    both = {**credentials, **{name: f"{later[name]}, {credentials[name]}" for name in names}}
    mixed = {**credentials, "apiv3_key": later["apiv3_key"]}
    for signer in (credentials, later, mixed):
        assert [each.key for each in await reading(both, notification(signer))] == ["a" * 32]
    with pytest.raises(Unauthenticated):
        await reading(credentials, notification(later))
    with pytest.raises(Unauthenticated):
        await reading(credentials, notification(mixed))


async def test_the_same_notification_says_the_same_again(credentials):
    good = notification(credentials)
    assert await reading(credentials, good) == await reading(credentials, good)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"not json", b'{"resource_type":"encrypt-resource","resource":[1]}']
)
async def test_what_is_signed_and_says_nothing_is_no_notice(credentials, body):
    with pytest.raises((InvalidArgument, Unauthenticated)):
        await reading(credentials, notification(credentials, body=body))


async def test_a_refund_notification_names_the_order(credentials):
    told = notification(credentials, event="REFUND.SUCCESS", content={"out_trade_no": "b" * 32, "out_refund_no": "c"})
    assert [each.key for each in await reading(credentials, told)] == ["b" * 32]


def test_only_whole_fen_of_yuan_are_taken():
    can = capabilities_of("wechat")
    assert can.gateway_units(Money(1, "CNY")) == 1
    assert can.fee_of(Money(19_900, "CNY")) == Money(119, "CNY")
    assert can.takes("wechat_pay_qr", "CNY", "CN")
    assert not can.takes("wechat_pay_qr", "CNY", "CA")
    for amount in (Money(0, "CNY"), Money(500, "JPY"), Money(1000, "KWD"), Money(1000, "EUR")):
        with pytest.raises(InvalidArgument, match="AMOUNT_NOT_CHARGEABLE"):
            can.gateway_units(amount)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (500, "SYSTEM_ERROR", "GATEWAY_UNAVAILABLE"),
        (502, "", "GATEWAY_UNAVAILABLE"),
        (302, "", "GATEWAY_UNAVAILABLE"),
        (429, "FREQUENCY_LIMITED", "GATEWAY_UNAVAILABLE"),
        (403, "FREQUENCY_LIMITED", "GATEWAY_UNAVAILABLE"),
        (400, "BANK_ERROR", "GATEWAY_UNAVAILABLE"),
        (401, "SIGN_ERROR", "GATEWAY_REFUSES_US"),
        (401, "", "GATEWAY_REFUSES_US"),
        (403, "NO_AUTH", "GATEWAY_REFUSES_US"),
        (400, "APPID_MCHID_NOT_MATCH", "GATEWAY_REFUSES_US"),
    ],
)
async def test_what_helps_to_repeat_is_unavailable(status, code, expected):
    with pytest.raises(Unavailable) as caught:
        await ask(answering(status, code))
    assert caught.value.reason == expected


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "PARAM_ERROR", InvalidArgument),
        (400, "", InvalidArgument),
        (403, "RULE_LIMIT", FailedPrecondition),
        (403, "OUT_TRADE_NO_USED", FailedPrecondition),
        (404, "ORDER_NOT_EXIST", NotFound),
        (404, "ORDERNOTEXIST", NotFound),
        (404, "RESOURCE_NOT_EXISTS", NotFound),
    ],
)
async def test_a_definite_no_says_what_is_wrong_in_our_words(status, code, kind):
    answer = await ask(answering(status, code))
    refusal = answer.refusal()
    assert type(refusal) is kind
    assert "secret-of-the-payer" not in f"{refusal}{refusal.metadata}"


async def test_no_answer_and_one_without_signature_leave_it_open():
    for error in (NoAnswer("x"), Exception("failed to verify the signature")):
        with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
            await ask(failing(error))
    with pytest.raises(Exception, match="out_trade_no is not assigned"):  # our own mistake stays one
        await ask(failing(Exception("out_trade_no is not assigned.")))
    assert (await ask(answering(204))) == Answer(204, {})


async def answering(status, code="", text=None):
    body = {"code": code, "message": "secret-of-the-payer"} if code else None
    return status, text or (json.dumps(body) if body else "")


async def failing(error):
    await asyncio.sleep(0)
    raise error


@only_wechat
async def test_the_code_is_given_again_when_it_was_lost(far):
    order, first = await far.begun()
    assert first.action.kind is ActionKind.QR_CODE
    for reference in ("", order.key, first.reference):
        found = await far.gateway.find(order, reference)
        assert (found.state, found.action) == (IntentState.ACTION_REQUIRED, first.action)


@only_wechat
async def test_beginning_what_is_over_says_how_it_ended(far):
    order, _ = await far.paid()
    again = await far.gateway.begin(order)
    assert (again.state, again.captured) == (IntentState.SUCCEEDED, order.amount)
    assert again.trace.startswith("42")
    other, intent = await far.begun()
    await far.gateway.cancel(other, intent.reference)
    assert (await far.gateway.begin(other)).state is IntentState.CANCELLED
    third, _ = await far.begun()
    with pytest.raises(FailedPrecondition, match="GATEWAY_REFUSED"):
        await far.gateway.begin(replace(third, amount=Money(1, "CNY")))
    with pytest.raises(NotFound):
        await far.gateway.confirm(far.order(), "")


@only_wechat
async def test_a_payer_who_was_refused_can_pay_the_same_order(far):
    order, intent = await far.begun()
    await far.decide(intent, passes=False)
    assert await far.charges(order) == 0
    await far.decide(intent, passes=True)
    assert (await far.gateway.find(order, intent.reference)).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


@only_wechat
async def test_a_refund_arrives_a_moment_later_and_one_that_the_bank_sends_back_has_failed(far):
    order, done = await far.paid()
    first = await far.gateway.refund(order, done.reference, Money(100, "CNY"), id="a" * 32)
    other = await far.gateway.refund(order, done.reference, Money(178, "CNY"), id="b" * 32)
    assert (first.progress, other.progress) == (Progress.PENDING, Progress.PENDING)

    async def ended():
        known = await far.gateway.refunds_of(order, done.reference, ["a" * 32, "b" * 32, "c" * 32])
        assert known.keys() == {"a" * 32, "b" * 32}
        return [each.progress for each in known.values()] == [Progress.SUCCEEDED, Progress.FAILED]

    await far.until(ended)
    assert (await far.gateway.find(order, done.reference)).captured == order.amount

    async def told():
        return len(far.inbox.deliveries) == 3

    await far.until(told)
    assert {each.key for one in far.inbox.deliveries for each in far.gateway.read(one, datetime.now(UTC))} == {
        order.key
    }


@only_wechat
async def test_nothing_goes_back_of_what_was_not_paid_and_nothing_is_reserved(far):
    order, intent = await far.begun()
    made = await far.gateway.refund(order, intent.reference, order.amount, id="a" * 32)
    assert made.progress is Progress.FAILED
    with pytest.raises(FailedPrecondition, match="cannot be reserved"):
        await far.gateway.begin(far.order(capture=False))


@only_wechat
async def test_with_a_wrong_key_payments_are_out_of_order_and_no_secret_is_told(far, ours, credentials, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = {**ours, "private_key": credentials["private_key"]}
    async with open_gateway(wrong, timeout=5.0, webhook_url=far.inbox.url) as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_REFUSES_US") as caught:
            await gateway.begin(far.order())
    shown = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "the gateway does not accept us" in shown
    for secret in (ours["apiv3_key"], *credentials["private_key"].split("\n")[1:3]):
        assert secret not in shown


@only_wechat
async def test_an_answer_that_wechat_has_not_signed_is_none(far, ours, credentials):
    forged = {**ours, "public_key": credentials["public_key"]}
    order = far.order()
    async with open_gateway(forged, timeout=5.0, webhook_url=f"{far.inbox.url[:-6]}wechat") as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
            await gateway.begin(order)
    assert (await far.gateway.find(order, "")).state is IntentState.ACTION_REQUIRED


@pytest.fixture
def ours(tmp_path):
    """What `far` works with."""
    return json.loads((tmp_path / "credentials.json").read_text())["wechat"]


@only_wechat
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"surprise": 1}, 400, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, 400, "PARAM_ERROR"),
        ({"amount": {"total": 1.5, "currency": "CNY"}}, 400, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "EUR"}}, 400, "PARAM_ERROR"),
        ({"mchid": "1"}, 400, "MCH_NOT_EXISTS"),
        ({"appid": "wx1"}, 400, "APPID_MCHID_NOT_MATCH"),
    ],
)
async def test_the_far_end_refuses_what_wechat_refuses(far, ours, change, status, code):
    good = {name: ours[name] for name in ("appid", "mchid")}
    good |= {"description": "x", "notify_url": "https://shop.example", "amount": {"total": 1, "currency": "CNY"}}
    request = far.gateway._client._core.request
    answered = await request(
        "/v3/pay/transactions/native", RequestType.POST, {**good, "out_trade_no": "a" * 32, **change}
    )
    assert (answered[0], json.loads(answered[1])["code"]) == (status, code)
