"""What is particular to Stripe."""

import json
import logging
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import stripe

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal, Unauthenticated, Unavailable
from payment_service.domain.gateways import ActionKind, Delivery, FailureKind, Intent, IntentState, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.stripe import StripeGateway, open_gateway
from payment_service.outbound.gateways.stripe_errors import refusal_of

CAN = capabilities_of("stripe")
NOW = datetime(2027, 3, 1, tzinfo=UTC)
BODY = json.dumps(
    {"id": "evt_1", "data": {"object": {"object": "payment_intent", "id": "pi_1", "metadata": {"order": "0a" * 16}}}}
)
forge = stripe.WebhookSignature.generate_signature_header


of_stripe = pytest.mark.parametrize("far", ["stripe"], indirect=True)


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(1999, "CAD"), 1999),
        (Money(500, "JPY"), 500),
        (Money(5120, "KWD"), 5120),
        (Money(500, "ISK"), 50000),
        (Money(500, "UGX"), 50000),
        (Money(50000, "MGA"), 500),
        (Money(17500, "HUF"), 17500),
    ],
)
def test_amounts_are_sent_as_stripe_counts_them(money: Money, amount: int) -> None:
    assert CAN.gateway_units(money) == amount
    assert CAN.money(amount, money.currency) == money


@pytest.mark.parametrize("money", [Money(5123, "KWD"), Money(50001, "MGA"), Money(49, "USD"), Money(49, "JPY")])
def test_what_stripe_cannot_express_or_take_is_refused(money: Money) -> None:
    with pytest.raises(InvalidArgument) as caught:
        CAN.gateway_units(money)
    assert (caught.value.reason, caught.value.violations[0].field) == ("AMOUNT_NOT_CHARGEABLE", "amount")


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (stripe.APIConnectionError("x"), Unavailable, "GATEWAY_UNAVAILABLE"),
        (stripe.RateLimitError("x", http_status=429), Unavailable, "GATEWAY_UNAVAILABLE"),
        (stripe.APIError("x", http_status=502), Unavailable, "GATEWAY_UNAVAILABLE"),
        (stripe.IdempotencyError("x", http_status=409), Unavailable, "GATEWAY_UNAVAILABLE"),
        (stripe.AuthenticationError("sk_test_hidden", http_status=401), Unavailable, "GATEWAY_REFUSES_US"),
        (stripe.PermissionError("sk_test_hidden", http_status=403), Unavailable, "GATEWAY_REFUSES_US"),
        (stripe.InvalidRequestError("x", "amount", http_status=400), InvalidArgument, "GATEWAY_REFUSED"),
        (stripe.CardError("x", None, "expired_card", http_status=402), FailedPrecondition, "GATEWAY_REFUSED"),
    ],
)
def test_errors_become_refusals(error: stripe.StripeError, kind: type[Refusal], reason: str, caplog) -> None:
    refusal = refusal_of(error)
    assert (type(refusal), refusal.reason) == (kind, reason)
    assert "hidden" not in caplog.text + str(refusal)


@of_stripe
async def test_a_wrong_key_is_our_trouble_and_is_shown_nowhere(far, caplog) -> None:
    caplog.set_level(logging.DEBUG, "payment_service")
    credentials = {"url": far.url, "api_key": "nonsense_hidden", "webhook_secret": "whsec_hidden"}
    async with open_gateway(credentials, timeout=5.0) as gateway:
        with pytest.raises(Unavailable, match="GATEWAY_REFUSES_US"):
            await gateway.begin(far.order())
    assert "hidden" not in caplog.text


@of_stripe
@pytest.mark.parametrize(
    ("token", "code", "kind"),
    [
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", FailureKind.DECLINED),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", FailureKind.DECLINED),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", FailureKind.GATEWAY),
        ("pm_unknown", "resource_missing", FailureKind.REFUSED),
    ],
)
async def test_why_a_card_was_not_charged(far, token: str, code: str, kind: FailureKind) -> None:
    order, intent = await far.begun()
    order = replace(order, token=token)
    told = await far.gateway.confirm(order, intent.reference)
    assert (told.state, told.failure.code, told.failure.kind) == (IntentState.OPEN, code, kind)
    again = await far.gateway.confirm(replace(order, token="pm_card_visa", tries=2), intent.reference)
    assert (again.state, await far.charges(order)) == (IntentState.SUCCEEDED, 1)


@of_stripe
async def test_the_payers_bank_is_asked_on_its_page(far) -> None:
    order, intent = await far.begun()
    order = replace(order, token="pm_card_authenticationRequired")
    asked = await far.gateway.confirm(order, intent.reference)
    assert (asked.state, asked.action.kind) == (IntentState.ACTION_REQUIRED, ActionKind.REDIRECT)
    assert asked.trace != intent.trace
    assert (await far.gateway.cancel(order, asked.reference)).state is IntentState.CANCELLED


@of_stripe
@pytest.mark.parametrize(
    ("passes", "state", "charges"), [(True, IntentState.SUCCEEDED, 1), (False, IntentState.OPEN, 0)]
)
async def test_what_the_payer_does_on_the_banks_page_is_told_by_webhook(far, passes, state, charges) -> None:
    order, intent = await far.begun()
    order = replace(order, token="pm_card_authenticationRequired")
    asked = await far.gateway.confirm(order, intent.reference)
    await far.decide(asked, passes=passes)

    async def told() -> bool:
        notices = [each for one in far.inbox.deliveries for each in far.gateway.read(one, datetime.now(UTC))]
        return sum(each.key == order.key for each in notices) > 1  # that it waits, and how it ended

    await far.until(told)
    found = await far.gateway.find(order, asked.reference)
    assert (found.state, await far.charges(order)) == (state, charges)
    async with httpx.AsyncClient() as client:
        assert (await client.get(asked.action.value)).status_code == 404


@of_stripe
async def test_its_books_have_every_charge_refund_and_dispute_with_its_fee(far) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    order, intent = await far.begun(capture=False, amount=Money(10_000, "CAD"))
    order = replace(order, token="pm_card_visa")
    await far.gateway.confirm(order, intent.reference)
    await far.gateway.capture(order, intent.reference, Money(6_000, "CAD"))
    other, done = await far.paid()
    made = await far.gateway.refund(other, done.reference, Money(500, "CAD"), id="a" * 32)
    async with httpx.AsyncClient() as client:
        await client.post(f"{far.url}/_sandbox/payment_intents/{intent.reference}/dispute", json={"open": True})
    entries = await far.gateway.entries(since, datetime.now(UTC) + timedelta(seconds=2))
    lines = {(each.kind, each.key, each.reference, each.amount, each.fee) for each in entries}
    assert lines == {
        ("charge", order.key, intent.reference, Money(6_000, "CAD"), Money(204, "CAD")),
        ("charge", other.key, done.reference, other.amount, CAN.fee_of(other.amount)),
        ("refund", other.key, done.reference, Money(500, "CAD"), Money(0, "CAD")),
        ("dispute", "", intent.reference, Money(6_000, "CAD"), Money(0, "CAD")),
    }
    assert next(each.id for each in entries if each.kind == "refund") == made.reference
    assert await far.gateway.entries(since - timedelta(hours=1), since) == []


@of_stripe
async def test_a_refund_that_failed_is_on_no_line_of_its_books(far) -> None:
    order, intent = await far.begun()
    done = await far.gateway.confirm(replace(order, token="pm_card_refundFail"), intent.reference)
    await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)

    async def failed() -> bool:
        known = await far.gateway.refunds_of(order, done.reference, {"a" * 32: ""})
        return known["a" * 32].progress is Progress.FAILED

    await far.until(failed)
    day = timedelta(days=1)
    entries = await far.gateway.entries(order.create_time - day, order.create_time + day)
    assert [each.kind for each in entries] == ["charge"]


@of_stripe
async def test_reserved_money_is_captured_once(far) -> None:
    order, intent = await far.begun(capture=False)
    order = replace(order, token="pm_card_visa")
    reserved = await far.gateway.confirm(order, intent.reference)
    assert (reserved.state, await far.charges(order)) == (IntentState.AUTHORIZED, 0)
    for _ in range(2):
        taken = await far.gateway.capture(order, reserved.reference, order.amount)
        assert (taken.state, taken.captured) == (IntentState.SUCCEEDED, order.amount)
    assert await far.charges(order) == 1


@of_stripe
@pytest.mark.parametrize(("won", "lost"), [(True, False), (False, True)])
async def test_a_dispute_says_how_it_stands_though_its_charge_stays_disputed(far, won: bool, lost: bool) -> None:
    order, intent = await far.paid()

    async def disputed(**said: bool) -> Intent:
        async with httpx.AsyncClient() as client:
            path = f"{far.url}/_sandbox/payment_intents/{intent.reference}/dispute"
            assert (await client.post(path, json=said)).status_code == 200
        return await far.gateway.find(order, intent.reference)

    opened = await disputed(open=True)
    assert (opened.state, opened.disputed, opened.lost) == (IntentState.SUCCEEDED, True, False)
    over = await disputed(open=False, won=won)
    assert (over.disputed, over.lost) == (lost, lost)
    cost = (order.amount, Money(1500, order.amount.currency)) if lost else (None, None)
    assert (over.disputed_amount, over.dispute_fee) == cost


def gateway(*secrets: str) -> StripeGateway:
    return StripeGateway(stripe.StripeClient("sk_test_x"), publishable_key="", webhook_secrets=secrets)


def delivery(body: bytes | str, signature: str) -> Delivery:
    return Delivery(body.encode() if isinstance(body, str) else body, {"stripe-signature": signature}, "http://shop")


def test_either_of_two_secrets_may_have_signed_and_the_order_is_named() -> None:
    both = gateway("whsec_new", "whsec_old")
    for secret in ("whsec_new", "whsec_old"):
        [notice] = both.read(delivery(BODY, forge(BODY, secret, int(NOW.timestamp()))), NOW)
        assert (notice.id, notice.key, notice.reference) == ("evt_1", "0a" * 16, "pi_1")


@pytest.mark.parametrize("off", [timedelta(seconds=-301), timedelta(seconds=301)])
def test_a_webhook_from_another_time_is_refused(off: timedelta) -> None:
    signature = forge(BODY, "whsec_a", int((NOW + off).timestamp()))
    with pytest.raises(Unauthenticated, match="WEBHOOK_TOO_OLD"):
        gateway("whsec_a").read(delivery(BODY, signature), NOW)


def test_five_hundred_mutations_of_a_good_webhook_are_refused() -> None:
    chance, signature = random.Random(7), forge(BODY, "whsec_a", int(NOW.timestamp()))
    for number in range(500):
        body, signed = bytearray(BODY.encode()), bytearray(signature.encode())
        altered = body if number % 2 else signed
        altered[chance.randrange(len(altered))] ^= 1 << chance.randrange(7)
        with pytest.raises(Unauthenticated):
            gateway("whsec_a").read(delivery(bytes(body), signed.decode("latin-1")), NOW)


@pytest.mark.parametrize("body", ["[]", "{}", '{"id": "e", "data": {}}', "nonsense"])
def test_a_signed_body_that_is_no_event_is_refused(body: str) -> None:
    with pytest.raises(InvalidArgument, match="WEBHOOK_BODY_INVALID"):
        gateway("whsec_a").read(delivery(body, forge(body, "whsec_a", int(NOW.timestamp()))), NOW)
