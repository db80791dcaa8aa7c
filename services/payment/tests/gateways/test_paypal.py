"""What is particular to PayPal: approval first, no calling off, decimal amounts, holds, its errors."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Unavailable
from payment_service.domain.gateways import FailureKind, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.paypal import PayPalGateway, open_gateway
from payment_service.outbound.gateways.paypal_client import PayPalClient
from payment_service.outbound.gateways.paypal_errors import No, failure, refusal_of

of_paypal = pytest.mark.parametrize("far", ["paypal"], indirect=True)
CREDENTIALS = {
    "url": "https://api-m.paypal.com",
    "client_id": "the-client",
    "client_secret": "EK-the-secret",
    "webhook_id": "new",
    "certificates": "https://api.paypal.com/v1/notifications/certs/",
    "certificate_subject": "messageverificationcerts.paypal.com",
}
ORDER = Order(
    key="f" * 32, payment="payments/p", booking="events/e/bookings/b", amount=Money(1999, "EUR"), method="paypal",
    description="Concert", return_uri="https://shop.example/back", create_time=datetime(2026, 11, 23, tzinfo=UTC),
)  # fmt: skip
PAYPAL = capabilities_of("paypal")


class Noted:
    """A client that keeps what it is asked to create."""

    def __init__(self) -> None:
        self.asked = []

    async def orders(self, verb, **options):
        self.asked.append(options)
        return 201, {"id": "5O1", "status": "CREATED", "links": [], **options["body"]}


@asynccontextmanager
async def answering(answer, timeout=5.0):
    """A gateway whose far side is a function of the request, behind a token that is always given."""

    tokens = count(1)

    async def token(request):
        token = f"A21AA-{next(tokens)}"
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 30_000})

    application = web.Application()
    application.router.add_post("/v1/oauth2/token", token)
    application.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    credentials = CREDENTIALS | {"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}
    try:
        async with open_gateway(credentials, timeout=timeout, webhook_url="") as gateway:
            yield gateway
    finally:
        await runner.cleanup()


def error(issue: str, name: str = "UNPROCESSABLE_ENTITY") -> dict[str, object]:
    text = "4111111111111111 of EK-the-secret"
    return {"name": name, "message": text, "details": [{"issue": issue, "description": text}]}


# Amounts


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(1999, "EUR"), "19.99"),
        (Money(5, "USD"), "0.05"),
        (Money(500, "JPY"), "500"),
        (Money(100_000, "HUF"), "1000"),
        (Money(4200, "TWD"), "42"),
    ],
)
async def test_amounts_are_said_with_the_digits_that_paypal_knows(amount, text):
    noted = Noted()
    intent = await PayPalGateway(noted, CREDENTIALS).begin(replace(ORDER, amount=amount))
    body = noted.asked[0]["body"]
    assert body["purchase_units"][0]["amount"] == {"currency_code": amount.currency, "value": text}
    assert (body["intent"], noted.asked[0]["paypal_request_id"], intent.reference) == ("CAPTURE", ORDER.key, "5O1")


@pytest.mark.parametrize("amount", [Money(1000, "KWD"), Money(150, "HUF"), Money(0, "EUR"), Money(1, "ISK")])
async def test_what_paypal_does_not_take_is_refused_before_it_is_asked(amount):
    noted = Noted()
    with pytest.raises(InvalidArgument) as refused:
        await PayPalGateway(noted, CREDENTIALS).begin(replace(ORDER, amount=amount))
    assert (refused.value.reason, noted.asked) == ("AMOUNT_NOT_CHARGEABLE", [])


@given(st.sampled_from(sorted(PAYPAL.currencies)), st.integers(1, 10**12))
def test_every_amount_comes_back_as_it_was_said(currency, units):
    amount = Money(units * PAYPAL.currencies[currency].step, currency)
    said = {"currency_code": currency, "value": PAYPAL.decimal_text(amount)}
    assert PayPalGateway(Noted(), CREDENTIALS)._money(said) == amount


def test_the_capability_file_says_what_paypal_keeps():
    assert PAYPAL.fee_of(Money(10_000, "USD")) == Money(398, "USD")
    assert PAYPAL.takes("paypal", "EUR", "DE")
    assert not PAYPAL.takes("paypal", "KWD")
    assert (PAYPAL.capture_days, PAYPAL.refund_days) == (29, 180)


# Approval


@of_paypal
async def test_nothing_is_taken_before_the_payer_approves(far):
    order, intent = await far.begun()
    early = await far.gateway.confirm(order, intent.reference)
    assert (early.state, early.action) == (IntentState.ACTION_REQUIRED, intent.action)
    with pytest.raises(FailedPrecondition):
        await far.gateway.refund(order, intent.reference, order.amount, id="a" * 32)
    await far.decide(intent, passes=True)
    assert (await far.gateway.find(order, "")).state is IntentState.APPROVED
    assert (await far.gateway.confirm(order, "")).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


@of_paypal
async def test_a_payer_whose_bank_says_no_is_told_and_the_order_is_over(far):
    order, intent = await far.begun()
    await far.decide(intent, passes=False)
    done = await far.gateway.confirm(order, intent.reference)
    assert (done.state, done.failure.code, done.failure.kind) == (
        IntentState.CANCELLED, "INSTRUMENT_DECLINED", FailureKind.DECLINED,
    )  # fmt: skip
    assert "declined by the processor" not in done.failure.message
    await far.decide(intent, passes=True)
    assert (await far.gateway.confirm(order, intent.reference)).state is IntentState.CANCELLED
    assert (await far.control("totals"))["currencies"]["EUR"]["declined"] == 1


@of_paypal
async def test_what_was_called_off_after_approval_is_not_taken(far):
    """INVARIANT: PayPal itself refuses a capture that is sent before the order is called off and arrives after it."""
    order, intent = await far.begun()
    await far.decide(intent, passes=True)
    assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    with pytest.raises(No) as refused:
        await far.gateway._paypal.orders("capture_order", id=intent.reference)
    assert refused.value.issue == "ACTION_DOES_NOT_MATCH_INTENT"
    assert (await far.gateway.confirm(order, intent.reference)).state is IntentState.CANCELLED
    assert (await far.gateway.find(order, "")).state is IntentState.CANCELLED
    assert await far.charges(order) == 0


@of_paypal
async def test_an_order_that_nobody_knows_is_called_off_by_its_key(far):
    order = far.order()
    assert (await far.gateway.cancel(order, "")).state is IntentState.CANCELLED
    assert (await far.gateway.begin(order)).state is IntentState.CANCELLED
    assert await far.gateway.find(order, "NOSUCHORDER") is None


# Holds


@of_paypal
async def test_a_part_of_what_is_held_is_taken_once(far):
    order, intent = await far.begun(capture=False)
    await far.decide(intent, passes=True)
    held = await far.gateway.confirm(order, intent.reference)
    assert (held.state, held.captured, await far.charges(order)) == (IntentState.AUTHORIZED, None, 0)
    part = Money(1500, "EUR")
    for _ in range(2):
        taken = await far.gateway.capture(order, held.reference, part)
        assert (taken.state, taken.captured) == (IntentState.SUCCEEDED, part)
    assert (await far.gateway.cancel(order, held.reference)).state is IntentState.SUCCEEDED
    assert (await far.control("totals"))["currencies"]["EUR"]["charged"] == 1500


@of_paypal
async def test_a_hold_is_let_go(far):
    order, intent = await far.begun(capture=False)
    await far.decide(intent, passes=True)
    held = await far.gateway.confirm(order, intent.reference)
    for _ in range(2):
        assert (await far.gateway.cancel(order, held.reference)).state is IntentState.CANCELLED
    assert (await far.gateway.capture(order, held.reference, order.amount)).state is IntentState.CANCELLED
    assert await far.charges(order) == 0


# Refunds and reports


@of_paypal
async def test_a_refund_may_take_its_time_and_fail(far):
    order, done = await far.paid()
    wanted = {"a" * 32: (Money(177, "EUR"), Progress.SUCCEEDED), "b" * 32: (Money(188, "EUR"), Progress.FAILED)}
    for id, (amount, _) in wanted.items():
        assert (await far.gateway.refund(order, done.reference, amount, id=id)).progress is Progress.PENDING

    async def ended():
        known = await far.gateway.refunds_of(order, done.reference, list(wanted))
        return all(known[id].progress is end for id, (_, end) in wanted.items())

    await far.until(ended)
    with pytest.raises(No):
        await far.gateway.refund(order, done.reference, Money(100, "EUR"), id="a" * 32)


@of_paypal
async def test_the_account_lists_what_came_and_went_with_its_fees(far):
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(500, "EUR"), id="a" * 32)
    now = datetime.now(UTC)
    entries = await far.gateway.entries(now - timedelta(days=40), now + timedelta(minutes=1))
    assert [(each.kind, each.key, each.amount, each.fee) for each in entries] == [
        ("charge", order.key, Money(1999, "EUR"), Money(119, "EUR")),
        ("refund", order.key, Money(500, "EUR"), Money(0, "EUR")),
    ]
    assert await far.gateway.entries(now - timedelta(days=40), now - timedelta(days=1)) == []


# Errors


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, json.dumps(error("INTERNAL_SERVER_ERROR")), "GATEWAY_UNAVAILABLE"),
        (503, "<html>down</html>", "GATEWAY_UNAVAILABLE"),
        (429, json.dumps(error("RATE_LIMIT_REACHED", "RATE_LIMIT_REACHED")), "GATEWAY_UNAVAILABLE"),
        (409, json.dumps(error("RESOURCE_CONFLICT", "RESOURCE_CONFLICT")), "GATEWAY_UNAVAILABLE"),
        (409, json.dumps(error("DUPLICATE_REQUEST_ID", "RESOURCE_CONFLICT")), "GATEWAY_REFUSED"),
        (422, json.dumps(error("PREVIOUS_REQUEST_IN_PROGRESS")), "GATEWAY_UNAVAILABLE"),
        (401, json.dumps({"error": "invalid_client"}), "GATEWAY_REFUSES_US"),
        (403, json.dumps(error("PERMISSION_DENIED", "NOT_AUTHORIZED")), "GATEWAY_REFUSES_US"),
        (422, json.dumps(error("INSTRUMENT_DECLINED")), "GATEWAY_REFUSED"),
        (400, json.dumps({"name": "INVALID_REQUEST", "message": "EK-the-secret"}), "GATEWAY_REFUSED"),
        (404, "[]", "GATEWAY_REFUSED"),
        (400, json.dumps(error("EK-the-secret 4111111111111111")), "GATEWAY_REFUSED"),
    ],
)
def test_errors_become_refusals_without_what_they_quote(status, body, reason, caplog):
    caplog.set_level(logging.DEBUG)
    refusal = refusal_of(status, body)
    assert refusal.reason == reason
    assert (refusal.code == "UNAVAILABLE") == (reason != "GATEWAY_REFUSED")
    told = f"{refusal} {refusal.metadata} {caplog.text} {[each.__dict__ for each in caplog.records]}"
    assert "4111111111111111" not in told
    assert "EK-the-secret" not in told


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INSTRUMENT_DECLINED", FailureKind.DECLINED),
        ("PAYER_ACCOUNT_RESTRICTED", FailureKind.DECLINED),
        ("PAYEE_ACCOUNT_RESTRICTED", FailureKind.GATEWAY),
        ("DUPLICATE_INVOICE_ID", FailureKind.REFUSED),
    ],
)
def test_each_no_has_its_kind(code, kind):
    assert failure(code).kind is kind


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"id": 5, "status": "COMPLETED"}', "null"])
async def test_an_answer_that_is_no_order_is_no_answer(body):
    async def answer(request):
        return web.Response(text=body)

    async with answering(answer) as gateway:
        with pytest.raises(Unavailable) as refused:
            await gateway.begin(ORDER)
    assert refused.value.reason == "GATEWAY_UNAVAILABLE"


async def test_no_answer_in_time_or_none_at_all_is_unavailable():
    async def hang_up(request):
        request.transport.abort()
        return web.Response()

    released = asyncio.Event()

    async def late(request):
        await released.wait()
        return web.json_response({})

    for answer in (hang_up, late):
        async with answering(answer, timeout=0.3) as gateway:
            with pytest.raises(Unavailable):
                await gateway.begin(ORDER)
            released.set()
    async with Connections(0.5) as connections:
        nobody = PayPalClient(CREDENTIALS | {"url": "http://127.0.0.1:9"}, connections)
        with pytest.raises(Unavailable):
            await nobody.orders("get_order", id="1")


async def test_connections_are_kept_nothing_is_repeated_and_a_recalled_token_is_got_again():
    asked, ports = [], set()

    async def answer(request):
        asked.append(request.headers["Authorization"])
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response(error("INVALID_TOKEN"), status=401 if len(asked) == 1 else 500)

    async with answering(answer) as gateway:
        for reason in ("GATEWAY_REFUSES_US", "GATEWAY_UNAVAILABLE", "GATEWAY_UNAVAILABLE"):
            with pytest.raises(Unavailable) as refused:
                await gateway.begin(ORDER)
            assert refused.value.reason == reason
    assert asked == ["Bearer A21AA-1", "Bearer A21AA-2", "Bearer A21AA-2"]
    assert len(ports) == 1


@of_paypal
async def test_a_wrong_key_is_told_without_it(far, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    known = json.loads((tmp_path / "credentials.json").read_text())["paypal"]
    order, _ = await far.paid()
    async with open_gateway(known | {"client_secret": "EK-wrong"}, timeout=5.0, webhook_url="") as stranger:
        with pytest.raises(Unavailable) as refused:
            await stranger.begin(order)
    assert refused.value.reason == "GATEWAY_REFUSES_US"
    assert "does not accept our key" in caplog.text
    told = f"{refused.value} {refused.value.metadata} {[each.__dict__ for each in caplog.records]}"
    assert not any(secret in told for secret in ("EK-wrong", known["client_secret"], known["client_id"], "A21AA"))


def yen(value: str) -> dict[str, str]:
    return {"currency_code": "JPY", "value": value}


@of_paypal
async def test_the_far_side_refuses_what_paypal_would(far, tmp_path):
    known = json.loads((tmp_path / "credentials.json").read_text())["paypal"]
    context = {"return_url": "https://a.example", "cancel_url": "https://a.example"}
    good = {
        "intent": "CAPTURE",
        "purchase_units": [{"amount": yen("500")}],
        "payment_source": {"paypal": {"experience_context": context}},
    }
    async with httpx.AsyncClient(base_url=known["url"]) as client:
        assert (await client.post("/v2/checkout/orders", json=good)).status_code == 401
        account = (known["client_id"], known["client_secret"])
        token = await client.post("/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=account)
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        for change, status, issue in [
            ({"surprise": 1}, 400, "UNSUPPORTED_FIELD"),
            ({"intent": "STEAL"}, 400, "INVALID_PARAMETER_VALUE"),
            ({"payment_source": {}}, 400, "MISSING_REQUIRED_PARAMETER"),
            ({"purchase_units": [{"amount": yen("5.00")}]}, 422, "DECIMALS_NOT_SUPPORTED"),
            ({"purchase_units": [{"amount": yen("five")}]}, 400, "INVALID_PARAMETER_SYNTAX"),
            ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "5.001"}}]}, 422, "DECIMAL_PRECISION"),
        ]:
            answer = await client.post("/v2/checkout/orders", json=good | change)
            assert (answer.status_code, answer.json()["details"][0]["issue"]) == (status, issue)
        headers = {"PayPal-Request-Id": "once"}
        answers = [await client.post("/v2/checkout/orders", json=good, headers=headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [201, 200]
        other = await client.post("/v2/checkout/orders", json=good | {"intent": "AUTHORIZE"}, headers=headers)
        assert other.status_code == 409
