"""What is particular to Square: one try a key, a list that lags, holds, its errors, its signature over an address."""

import json
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import httpx
import pytest
from square import AsyncSquare
from square.core.api_error import ApiError

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unavailable
from payment_service.domain.gateways import FailureKind, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.square import SquareGateway, open_gateway
from payment_service.outbound.gateways.square_errors import No, refusal_of

of_square = pytest.mark.parametrize("far", ["square"], indirect=True)
URL = "https://shop.example/v1/gateways/square:receive"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CREDENTIALS = {
    "url": "https://connect.squareup.com",
    "access_token": "EAAA-secret-token",
    "application_id": "sq0idp-app",
    "location_id": "L1",
    "currency": "USD",
    "webhook_secret": "new-secret,old-secret",
}
ORDER = Order(
    key="f" * 32, payment="payments/p", booking="events/e/bookings/b", amount=Money(1999, "USD"), method="card",
    description="Concert", return_uri="", create_time=NOW, token="cnon:card-nonce-ok",
)  # fmt: skip


@asynccontextmanager
async def far_side(answer, **credentials):
    """A gateway whose far side is a function of the request."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = AsyncSquare(token="EAAA-secret-token", base_url="https://square.example", httpx_client=http)
        yield SquareGateway(client, CREDENTIALS | credentials, URL)


def errors(code: str, category: str = "INVALID_REQUEST_ERROR") -> dict[str, object]:
    return {"errors": [{"category": category, "code": code, "detail": "4111111111111111 of EAAA-secret-token"}]}


def payment(id: str, **fields: object) -> dict[str, object]:
    money = {"amount": 1999, "currency": "USD"}
    return {
        "id": id, "status": "COMPLETED", "amount_money": money, "total_money": money, "reference_id": id * 8,
        "created_at": "2026-11-23T12:00:00.000Z", **fields,
    }  # fmt: skip


# Amounts


@pytest.mark.parametrize(("amount", "units"), [(Money(1999, "USD"), 1999), (Money(500, "JPY"), 500)])
async def test_amounts_are_sent_in_minor_units_of_the_currency(amount, units):
    sent = []

    def answer(request):
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"payment": payment("sq", amount_money=sent[-1]["amount_money"])})

    async with far_side(answer, currency=amount.currency) as gateway:
        done = await gateway.confirm(replace(ORDER, amount=amount), "")
    assert sent[0]["amount_money"] == {"amount": units, "currency": amount.currency}
    assert (sent[0]["idempotency_key"], sent[0]["reference_id"], sent[0]["autocomplete"]) == ("f" * 32, "f" * 32, True)
    assert done.captured == amount


@pytest.mark.parametrize("amount", [Money(1000, "KWD"), Money(1999, "EUR"), Money(0, "USD")])
async def test_what_the_account_does_not_take_is_refused(amount):
    async with far_side(lambda _: httpx.Response(500)) as gateway:
        with pytest.raises(InvalidArgument) as refused:
            await gateway.begin(replace(ORDER, amount=amount))
    assert refused.value.reason == "AMOUNT_NOT_CHARGEABLE"


def test_the_capability_file_says_what_square_keeps():
    square = capabilities_of("square")
    assert square.fee_of(Money(10_000, "USD")) == Money(320, "USD")
    assert square.takes("card", "JPY", "JP")
    assert not square.takes("card", "KWD")
    assert (square.capture_days, square.refund_days) == (7, 365)


# Declines


@of_square
async def test_each_no_has_its_kind_and_leaves_nothing_taken(far):
    kinds = {
        "cnon:card-nonce-declined": ("GENERIC_DECLINE", FailureKind.DECLINED),
        "cnon:card-nonce-rejected-cvv": ("CVV_FAILURE", FailureKind.DECLINED),
        "cnon:card-nonce-rejected-postalcode": ("ADDRESS_VERIFICATION_FAILURE", FailureKind.DECLINED),
        "cnon:card-nonce-rejected-expiration": ("INVALID_EXPIRATION", FailureKind.DECLINED),
        "cnon:card-nonce-insufficient-funds": ("INSUFFICIENT_FUNDS", FailureKind.DECLINED),
        "cnon:card-nonce-needs-verification": ("CARD_DECLINED_VERIFICATION_REQUIRED", FailureKind.DECLINED),
        "cnon:card-nonce-already-used": ("CARD_TOKEN_USED", FailureKind.REFUSED),
        "cnon:card-nonce-expired": ("CARD_TOKEN_EXPIRED", FailureKind.REFUSED),
        "cnon:nobody-knows-it": ("NOT_FOUND", FailureKind.REFUSED),
    }
    for token, (code, kind) in kinds.items():
        order = far.order(token=token)
        for _ in range(2):
            done = await far.gateway.confirm(order, order.key)
            assert (done.state, done.failure.code, done.failure.kind) == (IntentState.CANCELLED, code, kind), token
        assert "Authorization error" not in done.failure.message
        assert await far.charges(order) == 0


async def test_an_account_in_trouble_lets_another_gateway_be_asked():
    async with far_side(lambda _: httpx.Response(400, json=errors("CARD_PROCESSING_NOT_ENABLED"))) as gateway:
        with pytest.raises(No) as refused:
            await gateway.refunds_of(ORDER, "sq1", [])
    assert refused.value.failure.kind is FailureKind.GATEWAY


# One try a key


@of_square
async def test_a_second_token_of_one_order_takes_nothing(far):
    order = far.order(token="cnon:card-nonce-ok")
    first = await far.gateway.confirm(order, order.key)
    other = await far.gateway.confirm(replace(order, token="cnon:card-nonce-rejected-cvv"), order.key)
    assert (other.state, other.reference) == (IntentState.SUCCEEDED, first.reference)
    assert await far.charges(order) == 1


async def test_a_second_token_is_not_called_refused_while_the_first_may_have_paid():
    """INVARIANT: where the list of payments lags, an order that may be paid is unknown, never CANCELLED."""

    def lagging(request):
        if request.method == "GET":
            return httpx.Response(200, json={})
        return httpx.Response(400, json=errors("IDEMPOTENCY_KEY_REUSED"))

    async with far_side(lagging) as gateway:
        with pytest.raises(Unavailable):
            await gateway.confirm(ORDER, ORDER.key)
        with pytest.raises(Unavailable):
            await gateway.cancel(ORDER, ORDER.key)


@of_square
async def test_calling_off_without_the_answer_finds_what_was_taken(far):
    order = far.order(token="cnon:card-nonce-ok")
    await far.switch(drop_answers=1)
    with pytest.raises(Unavailable):
        await far.gateway.confirm(order, order.key)
    await far.switch(drop_answers=0)
    for known in (order, replace(order, token="")):
        assert (await far.gateway.cancel(known, known.key)).state is IntentState.SUCCEEDED
    refused = far.order(token="cnon:card-nonce-already-used")
    await far.gateway.confirm(refused, refused.key)
    assert (await far.gateway.cancel(refused, refused.key)).failure.code == "CARD_TOKEN_USED"


@of_square
async def test_a_request_that_arrives_after_calling_off_is_refused(far):
    order = far.order(token="cnon:card-nonce-ok")
    assert (await far.gateway.cancel(order, order.key)).state is IntentState.CANCELLED
    late = await far.gateway.confirm(order, "")
    assert (late.state, late.failure.kind) == (IntentState.CANCELLED, FailureKind.REFUSED)
    assert await far.charges(order) == 0


# Holds


@of_square
async def test_a_part_of_what_is_held_is_taken_once(far):
    order = far.order(token="cnon:card-nonce-ok", capture=False)
    held = await far.gateway.confirm(order, order.key)
    assert (held.state, held.captured, await far.charges(order)) == (IntentState.AUTHORIZED, None, 0)
    part = Money(1500, "USD")
    for _ in range(2):
        taken = await far.gateway.capture(order, held.reference, part)
        assert (taken.state, taken.captured) == (IntentState.SUCCEEDED, part)
    assert (await far.gateway.find(order, "")).captured == part
    assert (await far.control("totals"))["currencies"]["USD"]["charged"] == 1500


@of_square
async def test_a_hold_whose_answer_was_lost_is_let_go_by_the_key(far):
    order = far.order(token="cnon:card-nonce-ok", capture=False)
    await far.switch(drop_answers=1)
    with pytest.raises(Unavailable):
        await far.gateway.confirm(order, order.key)
    await far.switch(drop_answers=0)
    gone = await far.gateway.cancel(order, order.key)
    assert gone.state is IntentState.CANCELLED
    assert (await far.gateway.capture(order, gone.reference, order.amount)).state is IntentState.CANCELLED
    assert await far.charges(order) == 0


# Refunds and reports


@of_square
async def test_a_refund_may_fail_in_the_end(far):
    order = far.order(token="cnon:card-nonce-refund-fails")
    done = await far.gateway.confirm(order, order.key)
    made = await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)
    assert made.progress is Progress.PENDING

    async def failed():
        known = await far.gateway.refunds_of(order, done.reference, ["a" * 32])
        return known["a" * 32].progress is Progress.FAILED

    await far.until(failed)
    with pytest.raises(No):
        await far.gateway.refund(order, done.reference, Money(1, "USD"), id="a" * 32)


@of_square
async def test_the_account_lists_what_came_and_went_with_its_fees(far):
    begun = datetime.now(UTC) - timedelta(minutes=1)
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(500, "USD"), id="a" * 32)

    async def listed():
        entries = await far.gateway.entries(begun, datetime.now(UTC) + timedelta(minutes=1))
        return [(each.kind, each.key, each.reference, each.amount, each.fee) for each in entries] == [
            ("charge", order.key, done.reference, Money(1999, "USD"), Money(88, "USD")),
            ("refund", order.key, done.reference, Money(500, "USD"), Money(0, "USD")),
        ]

    await far.until(listed)
    assert await far.gateway.entries(begun - timedelta(hours=1), begun) == []


async def test_an_order_is_found_on_the_second_page_of_the_list():
    asked = []

    def pages(request):
        asked.append(dict(request.url.params))
        if "cursor" not in asked[-1]:
            return httpx.Response(200, json={"payments": [payment("b")], "cursor": "more"})
        return httpx.Response(200, json={"payments": [payment("c"), payment("f", reference_id="f" * 32)]})

    async with far_side(pages) as gateway:
        found = await gateway.find(ORDER, "")
    assert found.reference == "f"
    assert asked[0] == {"begin_time": "2026-11-23T11:55:00+00:00", "location_id": "L1", "total": "1999"}


# Errors


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, errors("INTERNAL_SERVER_ERROR", "API_ERROR"), "GATEWAY_UNAVAILABLE"),
        (503, "<html>down</html>", "GATEWAY_UNAVAILABLE"),
        (504, errors("GATEWAY_TIMEOUT", "API_ERROR"), "GATEWAY_UNAVAILABLE"),
        (429, errors("RATE_LIMITED", "RATE_LIMIT_ERROR"), "GATEWAY_UNAVAILABLE"),
        (408, errors("REQUEST_TIMEOUT"), "GATEWAY_UNAVAILABLE"),
        (409, errors("CONFLICT"), "GATEWAY_UNAVAILABLE"),
        (400, errors("REFUND_ALREADY_PENDING", "REFUND_ERROR"), "GATEWAY_UNAVAILABLE"),
        (200, "not json", "GATEWAY_UNAVAILABLE"),
        (None, None, "GATEWAY_UNAVAILABLE"),
        (401, errors("UNAUTHORIZED", "AUTHENTICATION_ERROR"), "GATEWAY_REFUSES_US"),
        (401, errors("ACCESS_TOKEN_EXPIRED", "AUTHENTICATION_ERROR"), "GATEWAY_REFUSES_US"),
        (403, errors("INSUFFICIENT_SCOPES", "AUTHENTICATION_ERROR"), "GATEWAY_REFUSES_US"),
        (400, errors("VALUE_TOO_LOW"), "GATEWAY_REFUSED"),
        (404, errors("NOT_FOUND"), "GATEWAY_REFUSED"),
    ],
)
def test_errors_become_refusals_without_what_they_quote(status, body, reason, caplog):
    caplog.set_level(logging.DEBUG)
    refusal = refusal_of(ApiError(status_code=status, body=body))
    assert refusal.reason == reason
    assert (refusal.code == "UNAVAILABLE") == (reason != "GATEWAY_REFUSED")
    told = f"{refusal} {refusal.metadata} {caplog.text} {[each.__dict__ for each in caplog.records]}"
    assert "4111111111111111" not in told
    assert "EAAA-secret-token" not in told


@pytest.mark.parametrize("trouble", [aiohttp.ClientOSError("EAAA"), aiohttp.SocketTimeoutError("EAAA")])
async def test_no_answer_is_unavailable(answering, trouble):
    answering(error=trouble)
    async with open_gateway(CREDENTIALS, timeout=1.0, webhook_url=URL) as gateway:
        with pytest.raises(Unavailable) as refused:
            await gateway.confirm(ORDER, ORDER.key)
    assert "EAAA" not in str(refused.value)


async def test_an_answer_without_a_payment_is_no_answer():
    async with far_side(lambda _: httpx.Response(200, json={})) as gateway:
        with pytest.raises(Unavailable):
            await gateway.confirm(ORDER, ORDER.key)


@of_square
async def test_nothing_is_repeated_and_a_wrong_key_is_told_without_it(far, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    order = far.order(token="cnon:card-nonce-ok")
    await far.switch(fail_requests=1)
    with pytest.raises(Unavailable):
        await far.gateway.confirm(order, order.key)
    known = json.loads((tmp_path / "credentials.json").read_text())["square"] | {"access_token": "EAAA-secret-token"}
    async with open_gateway(known, timeout=5.0, webhook_url="") as stranger:
        with pytest.raises(Unavailable) as refused:
            await stranger.confirm(order, order.key)
    assert refused.value.reason == "GATEWAY_REFUSES_US"
    assert "does not accept our key" in caplog.text
    told = f"{refused.value} {refused.value.metadata} {[each.__dict__ for each in caplog.records]}"
    assert not any(secret in told for secret in (*known.values(), order.token) if secret.startswith(("EAAA", "cnon")))


@of_square
async def test_the_far_side_refuses_what_square_would(far, tmp_path):
    known = json.loads((tmp_path / "credentials.json").read_text())["square"]
    headers = {"Authorization": f"Bearer {known['access_token']}", "Square-Version": "2026-09-16"}
    good = {"source_id": "cnon:card-nonce-ok", "idempotency_key": "k", "amount_money": {"amount": 1, "currency": "USD"}}
    async with httpx.AsyncClient(headers=headers) as client:
        for change, code in [
            ({"surprise": 1}, "UNKNOWN_BODY_PARAMETER"),
            ({"idempotency_key": "k" * 46}, "VALUE_TOO_LONG"),
            ({"amount_money": {"amount": 1, "currency": "EUR"}}, "INVALID_VALUE"),
            ({"amount_money": {"amount": 1.5, "currency": "USD"}}, "EXPECTED_INTEGER"),
            ({"location_id": "elsewhere"}, "INVALID_LOCATION"),
        ]:
            answer = await client.post(f"{known['url']}/v2/payments", json=good | {"idempotency_key": code} | change)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
        answer = await client.get(f"{known['url']}/v2/payments", params={"begin_time": "yesterday"})
        assert answer.json()["errors"][0]["code"] == "INVALID_TIME"
    assert (await far.control("totals"))["currencies"] == {}
