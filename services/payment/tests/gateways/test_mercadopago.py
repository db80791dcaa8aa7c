"""What is Mercado Pago's own: one currency an account, 3-D Secure, amounts as numbers, its search's lag, webhooks."""

import asyncio
import hashlib
import hmac
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.gateways import ActionKind, FailureKind, IntentState, MethodKind, Order, Progress
from payment_service.domain.payment import Payment
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.mercadopago import open_gateway
from payment_service.outbound.gateways.mercadopago_objects import card_of, intent_of, number_of

ONLY = pytest.mark.parametrize("far", ["mercadopago"], indirect=True)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEYS = {
    "access_token": "the-access-token", "public_key": "the-public-key", "currency": "BRL",
    "webhook_secret": "first,second", "url": "http://far.example",
}  # fmt: skip
ORDER = Order(
    "a" * 32, "payments/1", "events/1/bookings/1", Money(1_999, "BRL"), "card", "Concert", "http://shop.example/", NOW,
    buyer_email="payer@example.org",
)  # fmt: skip


@pytest.fixture
async def gateway():
    async with open_gateway(KEYS, timeout=1.0, webhook_url="") as opened:
        yield opened


def signed(thing, time, *, request="request-1", secret="second"):
    """Headers of a notification about that payment."""
    manifest = f"id:{thing};request-id:{request};ts:{time};"
    return {
        "x-signature": f"ts={time},v1={hmac.new(secret.encode(), manifest.encode(), hashlib.sha256).hexdigest()}",
        "x-request-id": request,
    }


async def confirmed(far, token, **fields):
    order, intent = await far.begun(**fields)
    order = replace(order, token=token)
    return order, await far.gateway.confirm(order, intent.reference)


@ONLY
@pytest.mark.parametrize(
    ("token", "code", "kind"),
    [
        ("card_token_FUND", "cc_rejected_insufficient_amount", FailureKind.DECLINED),
        ("card_token_SECU", "cc_rejected_bad_filled_security_code", FailureKind.DECLINED),
        ("card_token_OTHE", "cc_rejected_other_reason", FailureKind.DECLINED),
        ("card_token_INST", "cc_rejected_invalid_installments", FailureKind.REFUSED),
        ("card_token_BANK", "bank_error", FailureKind.GATEWAY),
        ("no such token", "2006", FailureKind.REFUSED),
    ],
)
async def test_each_kind_of_failure_is_told(far, token, code, kind):
    order, done = await confirmed(far, token)
    assert (done.failure.code, done.failure.kind) == (code, kind)
    assert done.state in (IntentState.OPEN, IntentState.CANCELLED)
    assert done.failure.message
    assert await far.charges(order) == 0


@ONLY
async def test_two_confirmations_at_once_take_the_money_once(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent)
    done = await asyncio.gather(*[far.gateway.confirm(order, intent.reference) for _ in range(4)])
    assert {(each.state, each.reference) for each in done} == {(IntentState.SUCCEEDED, done[0].reference)}
    assert await far.charges(order) == 1


@ONLY
@pytest.mark.parametrize("passes", [True, False])
async def test_a_challenge_of_3d_secure_is_met_or_not(far, passes):
    order, asked = await confirmed(far, "card_token_3DS")
    assert (asked.state, asked.action.kind) == (IntentState.ACTION_REQUIRED, ActionKind.REDIRECT)
    assert asked.client["creq"]
    assert await far.charges(order) == 0
    await far.decide(asked, passes=passes)
    found = await far.gateway.find(order, asked.reference)
    if passes:
        assert found.state is IntentState.SUCCEEDED
    else:
        assert (found.state, found.failure.code) == (IntentState.CANCELLED, "cc_rejected_3ds_challenge")
    assert (await far.gateway.confirm(order, asked.reference)).state is found.state
    assert await far.charges(order) == (1 if passes else 0)
    assert asked.trace != found.trace


@ONLY
async def test_a_payment_under_review_is_processed_and_can_be_called_off(far):
    order, done = await confirmed(far, "card_token_CONT")
    assert done.state is IntentState.PROCESSING
    assert (await far.gateway.cancel(order, done.reference)).state is IntentState.CANCELLED
    assert (await far.gateway.find(order, "")).state is IntentState.CANCELLED


@ONLY
async def test_reserved_money_is_taken_in_part_and_once(far):
    order, done = await confirmed(far, "card_token_APRO", capture=False)
    assert (done.state, done.captured) == (IntentState.AUTHORIZED, None)
    assert await far.charges(order) == 0
    with pytest.raises(InvalidArgument):
        await far.gateway.capture(order, done.reference, order.amount + Money(1, "BRL"))
    for amount in (Money(990, "BRL"), order.amount):
        taken = await far.gateway.capture(order, done.reference, amount)
        assert (taken.state, taken.captured) == (IntentState.SUCCEEDED, Money(990, "BRL"))
    assert (await far.control("totals"))["currencies"]["BRL"]["charged"] == 990


@ONLY
async def test_reserved_money_is_let_go(far):
    order, done = await confirmed(far, "card_token_APRO", capture=False)
    assert (await far.gateway.cancel(order, done.reference)).state is IntentState.CANCELLED
    assert (await far.gateway.capture(order, done.reference, order.amount)).state is IntentState.CANCELLED
    assert await far.charges(order) == 0


@ONLY
@pytest.mark.parametrize(
    ("token", "ends"), [("card_token_SLOW", Progress.SUCCEEDED), ("card_token_KEPT", Progress.FAILED)]
)
async def test_a_refund_that_takes_its_time_ends_by_itself(far, token, ends):
    order, done = await confirmed(far, token)
    made = await far.gateway.refund(order, done.reference, order.amount, id="d" * 32)
    assert made.progress is Progress.PENDING

    async def ended():
        known = await far.gateway.refunds_of(order, done.reference, {"d" * 32: made.reference, "e" * 32: ""})
        assert known.keys() == {"d" * 32}
        return known["d" * 32].progress is ends

    await far.until(ended)


@ONLY
async def test_the_account_has_a_line_a_payment_and_a_refund(far):
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(990, "BRL"), id="e" * 32)
    await confirmed(far, "card_token_FUND")
    now = datetime.now(UTC)
    lines = await far.gateway.entries(now - timedelta(hours=1), now + timedelta(hours=1))
    assert sorted((line.kind, line.amount.minor_units, line.fee.minor_units) for line in lines) == [
        ("charge", 12_990, 778), ("refund", 990, 0),
    ]  # fmt: skip
    assert {(line.reference, line.key) for line in lines} == {(done.reference, order.key)}
    assert await far.gateway.entries(now - timedelta(hours=3), now - timedelta(hours=2)) == []


@ONLY
async def test_altered_webhooks_are_refused_or_say_the_same(far, tools):
    _, done = await far.paid()

    async def arrived():
        return bool(far.inbox.deliveries)

    await far.until(arrived)
    good, now = far.inbox.deliveries[-1], datetime.now(UTC)
    said = far.gateway.read(good, now)
    assert [(notice.reference, notice.paid) for notice in said] == [(done.reference, True)]
    refused = 0
    for bad in tools.mutations(good, headers=["x-signature", "x-request-id"], query=True):
        things = parse_qs(bad.url.partition("?")[2]).get("data.id", [""])
        if bad.headers == good.headers and things[0] == done.reference:
            (told,) = far.gateway.read(bad, now)  # the body and the rest of the query are not signed
            assert replace(told, paid=True) == said[0]
            continue
        with pytest.raises(Unauthenticated):
            far.gateway.read(bad, now)
        refused += 1
    assert refused > 250


@pytest.mark.parametrize("scale", [1, 1000])
async def test_the_time_is_in_milliseconds_or_in_seconds_and_five_minutes_count(gateway, far_delivery, scale):
    def read(moved):
        time = int((NOW.timestamp() + moved) * scale)
        return gateway.read(far_delivery(b"", signed("7", time), "data.id=7&type=payment"), NOW)

    for moved in (-299, 0, 299):
        assert [notice.reference for notice in read(moved)] == ["7"]
    for moved in (-302, 302, -86_400, 86_400):
        with pytest.raises(Unauthenticated) as caught:
            read(moved)
        assert caught.value.reason == "WEBHOOK_TOO_OLD"


@pytest.mark.parametrize(
    ("body", "paid"),
    [
        (b'{"action": "payment.created", "data": {"id": "7"}}', True),
        (b'{"action": "payment.updated", "data": {"id": "7"}}', False),
        *(
            (body, False)
            for body in (b"", b"[]", b"{}", b'{"action": null}', b'"payment.created"', b"\xff", b"[" * 99_999)
        ),
    ],
)
async def test_only_of_a_payment_that_was_made_nothing_more_need_be_known(gateway, far_delivery, body, paid):
    (told,) = gateway.read(far_delivery(body, signed("7", int(NOW.timestamp())), "data.id=7"), NOW)
    assert (told.reference, told.paid) == ("7", paid)


async def test_either_of_two_secrets_may_have_signed_and_no_third(gateway, far_delivery):
    time = int(NOW.timestamp())
    for secret in ("first", "second"):
        assert gateway.read(far_delivery(b"", signed("7", time, secret=secret), "data.id=7"), NOW)
    good = signed("7", time)
    wrong = [
        signed("7", time, secret="third"), signed("8", time), {}, {"x-signature": good["x-signature"]},
        {**good, "x-signature": f"V1={good['x-signature']}"}, {**good, "x-signature": ",é"},
        {**good, "x-signature": good["x-signature"].replace("v1", "v2")},
        {**good, "x-signature": good["x-signature"].replace("ts", "TS")},
        {**good, "x-signature": f",{good['x-signature']}"},
    ]  # fmt: skip
    for headers in wrong:
        with pytest.raises(Unauthenticated):
            gateway.read(far_delivery(b"", headers, "data.id=7"), NOW)
    with pytest.raises(Unauthenticated):
        gateway.read(far_delivery(b"", good), NOW)


async def test_one_delivery_has_one_id_however_often_it_is_read(gateway, far_delivery):
    time = int(NOW.timestamp())
    one = far_delivery(b"", signed("7", time), "data.id=7")
    other = far_delivery(b"", signed("7", time, request="request-2"), "data.id=7")
    ids = [gateway.read(each, NOW)[0].id for each in (one, one, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("status", "body", "reason", "kind"),
    [
        (400, {"error": "bad_request", "cause": [{"code": 2062}]}, "GATEWAY_REFUSED", InvalidArgument),
        (400, {"error": "bad_request", "cause": None}, "GATEWAY_REFUSED", InvalidArgument),
        (422, {"cause": ["text"]}, "GATEWAY_REFUSED", FailedPrecondition),
        (404, {"error": "not_found"}, "INTENT_UNKNOWN", NotFound),
        (401, {"error": "unauthorized"}, "GATEWAY_REFUSES_US", Unavailable),
        (403, {}, "GATEWAY_REFUSES_US", Unavailable),
        (409, {}, "GATEWAY_UNAVAILABLE", Unavailable),
        (429, {"error": "too_many_requests"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (500, {"error": "internal_error"}, "GATEWAY_UNAVAILABLE", Unavailable),
        (503, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
        (200, b"<html>", "GATEWAY_UNAVAILABLE", Unavailable),
    ],
)
async def test_each_answer_that_is_no_success_has_its_refusal(gateway, answering, status, body, reason, kind):
    answering(status, body)
    with pytest.raises(kind) as caught:
        await gateway.find(ORDER, "7")
    assert caught.value.reason == reason


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.SocketTimeoutError(), OSError("x")])
async def test_no_answer_is_unavailable(gateway, answering, error):
    answering(error=error)
    with pytest.raises(Unavailable):
        await gateway.confirm(replace(ORDER, token="t"), ORDER.key)


async def test_what_the_search_may_miss_is_unavailable_and_not_unknown(gateway, answering):
    answering(200, {"results": []})
    sent = replace(ORDER, token="t", create_time=datetime.now(UTC))
    for asking in (gateway.find(sent, ""), gateway.cancel(sent, "")):
        with pytest.raises(Unavailable):
            await asking
    long_ago = replace(sent, create_time=datetime.now(UTC) - timedelta(hours=1))
    assert await gateway.find(long_ago, "") is None
    assert (await gateway.find(sent, sent.key)).state is IntentState.OPEN


async def test_another_currency_than_the_accounts_is_never_asked_for(gateway, answering):
    answering(500)
    other = replace(ORDER, amount=Money(1_000, "MXN"), token="t")
    for refusing in (lambda: gateway.check_amount(other.amount),):
        with pytest.raises(InvalidArgument, match="AMOUNT_NOT_CHARGEABLE"):
            refusing()
    with pytest.raises(InvalidArgument, match="AMOUNT_NOT_CHARGEABLE"):
        await gateway.begin(other)


async def test_no_secret_goes_into_a_log_or_an_error(gateway, answering, tools, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = ("the-access-token", "the-card-token", "payer@example.org", "first,second")
    for status in (401, 500, 404):
        answering(status, {"message": " ".join(secrets), "error": "x", "cause": [{"description": " ".join(secrets)}]})
        with pytest.raises(Exception, match="GATEWAY|INTENT") as caught:
            await gateway.confirm(replace(ORDER, token=secrets[1]), "7")
        shown = tools.everything(caught.value, caplog)
        assert not [each for each in secrets if each in shown]


@given(units=st.integers(1, 10**13), currency=st.sampled_from(["ARS", "BRL", "CLP", "MXN", "PEN", "UYU"]))
def test_an_amount_is_written_with_its_own_digits_and_read_back(units, currency):
    can, amount = capabilities_of("mercadopago"), Money(units, currency)
    written = json.dumps(number_of(can.decimal_text(amount)))
    payment = {"id": 7, "status": "approved", "transaction_amount": json.loads(written), "currency_id": currency}
    assert intent_of(payment, can, {}).captured == amount


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        (Money(1_999, "BRL"), "19.99"), (Money(1_990, "CLP"), "1990"), (Money(199_900, "COP"), "1999.0"),
        (Money(199_950, "COP"), None), (Money(100, "JPY"), None), (Money(0, "BRL"), None),
    ],
)  # fmt: skip
def test_amounts_are_numbers_with_the_digits_of_their_currency(amount, number):
    can = capabilities_of("mercadopago")
    if number is None:
        with pytest.raises(InvalidArgument):
            can.decimal_text(amount)
    else:
        assert json.dumps(number_of(can.decimal_text(amount))) == number


@pytest.mark.parametrize(
    ("token", "card"),
    [
        ("t", {"token": "t", "installments": 1}),
        ('{"token": "t", "installments": 3, "issuer_id": "24"}', {"token": "t", "installments": 3, "issuer_id": "24"}),
        ('{"token": "t", "installments": "3", "amount": 1}', {"token": "t", "installments": 1}),
        ('{"token": "t", "payment_method_id": "visa"}', {"token": "t", "installments": 1, "payment_method_id": "visa"}),
        (
            '{"token": "t", "payer": {"email": "a@b.example", "identification": {"number": "1"}}}',
            {"token": "t", "installments": 1, "payer": {"email": "a@b.example"}},
        ),
        ('{"token": "t", "payer": "a@b.example"}', {"token": "t", "installments": 1}),
        ("{", {"token": "{", "installments": 1}),
    ],
)
def test_a_token_is_taken_bare_or_from_the_brick(token, card):
    assert card_of(token) == card


@pytest.mark.parametrize(
    ("status", "detail", "disputed", "lost"),
    [
        ("in_mediation", "pending", True, False), ("charged_back", "in_process", True, False),
        ("charged_back", "settled", True, True), ("charged_back", "reimbursed", False, False),
        ("approved", "accredited", False, False), ("approved", "partially_refunded", False, False),
        ("refunded", "refunded", None, False), ("refunded", "by_admin", True, True),
    ],
)  # fmt: skip
def test_a_disputed_payment_says_so_and_how_it_ended(status, detail, disputed, lost):
    payment = {"id": 7, "status": status, "status_detail": detail, "transaction_amount": 1, "currency_id": "BRL"}
    intent = intent_of(payment, capabilities_of("mercadopago"), {})
    assert (intent.state, intent.disputed, intent.lost) == (IntentState.SUCCEEDED, disputed, lost)


@pytest.mark.parametrize("after", [("refunded", "refunded"), ("refunded", "by_admin")])
def test_what_is_paid_back_after_it_was_lost_was_not_won(after):
    """INVARIANT: only money that is with the seller again gives back what a lost dispute has taken."""
    now, can = datetime(2027, 3, 1, tzinfo=UTC), capabilities_of("mercadopago")
    attempt = Attempt(
        1, "mercadopago", "card", MethodKind.TOKEN, "0" * 32, now, reference="7", standing=Standing.PAID
    )  # fmt: skip
    payment = Payment("payments/p", "b", "users/u", "organizers/o", Money(100, "BRL"), (attempt,), now, now)
    payment = replace(payment, state=State.SUCCEEDED, paid_by=1, succeed_time=now)
    for status, detail in [("charged_back", "settled"), after, after]:
        told = {"id": 7, "status": status, "status_detail": detail, "transaction_amount": 1, "currency_id": "BRL"}
        payment, _ = payment.answered(intent_of(told, can, {}), now)
        assert (payment.state, [each.state for each in payment.refunds]) == (State.REFUNDED, [RefundState.COMPLETED])
