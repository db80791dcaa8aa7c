"""Stripe through its official SDK (https://docs.stripe.com/api)."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import stripe

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unauthenticated
from payment_service.domain.gateway import Failure, GatewayRefund, Intent, IntentState, Notice, Progress
from payment_service.outbound.stripe_errors import failure_of, is_definite, refusing
from payment_service.outbound.stripe_http import HttpxTransport
from payment_service.outbound.stripe_money import stripe_amount

INTENT_STATES = {
    "requires_payment_method": IntentState.OPEN,
    "requires_confirmation": IntentState.OPEN,
    "requires_action": IntentState.ACTION_REQUIRED,
    "processing": IntentState.PROCESSING,
    "succeeded": IntentState.SUCCEEDED,
    "canceled": IntentState.CANCELLED,
}
PROGRESS = {"succeeded": Progress.SUCCEEDED, "failed": Progress.FAILED, "canceled": Progress.FAILED}
TOLERANCE_SECONDS = 300  # how old a webhook's signature may be


class StripeGateway:
    """PaymentGateway, Refunds and Webhooks of payment_service.domain.gateway.

    return_url: where a payer comes back to from a bank's page. webhook_secrets: any of them may have signed a webhook.
    """

    name = "stripe"

    def __init__(self, client: stripe.StripeClient, *, return_url: str, webhook_secrets: Sequence[str]) -> None:
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds
        self._return_url, self._secrets = return_url, tuple(webhook_secrets)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        stripe_amount(amount)

    async def create_intent(self, amount: Money, *, payment: str, booking: str, key: str) -> Intent:
        """POST /v1/payment_intents."""
        with refusing():
            made = await self._intents.create_async(
                {
                    "amount": stripe_amount(amount),
                    "currency": amount.currency.lower(),
                    "automatic_payment_methods": {"enabled": True},
                    "metadata": {"payment": payment, "booking": booking},
                },
                {"idempotency_key": key},
            )
        return _intent(made)

    async def confirm_intent(self, reference: str, method: str, *, key: str) -> Intent:
        """POST /v1/payment_intents/{id}/confirm. After a no the intent itself tells where it stands."""
        try:
            confirmed = await self._intents.confirm_async(
                reference, {"payment_method": method, "return_url": self._return_url}, {"idempotency_key": key}
            )
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return await self._after_no(reference, failure_of(error))
        return _intent(confirmed)

    async def retrieve_intent(self, reference: str) -> Intent:
        """GET /v1/payment_intents/{id}."""
        with refusing():
            return _intent(await self._intents.retrieve_async(reference))

    async def cancel_intent(self, reference: str, *, key: str) -> Intent:
        """POST /v1/payment_intents/{id}/cancel."""
        try:
            return _intent(await self._intents.cancel_async(reference, {}, {"idempotency_key": key}))
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
        return await self.retrieve_intent(reference)

    async def refund(self, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """POST /v1/refunds; a definite no is a FAILED refund."""
        try:
            made = await self._refunds.create_async(
                {"payment_intent": reference, "amount": stripe_amount(amount), "metadata": {"refund": id}},
                {"idempotency_key": id},
            )
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return GatewayRefund("", Progress.FAILED)
        return _refund(made)

    async def refunds_of(self, reference: str) -> Mapping[str, GatewayRefund]:
        """GET /v1/refunds?payment_intent=…; those made elsewhere carry none of our ids and are left out."""
        found: dict[str, GatewayRefund] = {}
        with refusing():
            page = await self._refunds.list_async({"payment_intent": reference, "limit": 100})
            async for each in page.auto_paging_iter():
                if each.metadata and "refund" in each.metadata:
                    found[each.metadata["refund"]] = _refund(each)
        return found

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """A webhook event whose `Stripe-Signature` one of the secrets has made over the raw body."""
        if not any(_signed(body, signature, secret) for secret in self._secrets):
            raise Unauthenticated("WEBHOOK_SIGNATURE_INVALID", "The signature does not belong to this body.")
        try:
            event = json.loads(body)
            thing = event["data"]["object"]
            intent = thing["id"] if thing["object"] == "payment_intent" else thing.get("payment_intent")
            return Notice(str(event["id"]), str(intent or ""))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InvalidArgument("WEBHOOK_BODY_INVALID", "The body is no event of Stripe.") from None

    async def _after_no(self, reference: str, failure: Failure) -> Intent:
        now = await self.retrieve_intent(reference)
        return replace(now, failure=failure) if now.state is IntentState.OPEN else now


@asynccontextmanager
async def open_stripe(
    url: str, api_key: str, *, timeout: float, return_url: str, webhook_secrets: Sequence[str]
) -> AsyncIterator[StripeGateway]:
    """A gateway for as long as the context lasts; its connections are kept and used again.

    timeout: seconds for connecting and for each read. The SDK never repeats anything: that is done outside.
    """
    http = HttpxTransport(timeout)
    client = stripe.StripeClient(
        api_key, base_addresses={"api": url.rstrip("/")}, http_client=http, max_network_retries=0
    )
    try:
        yield StripeGateway(client, return_url=return_url, webhook_secrets=webhook_secrets)
    finally:
        await http.close_async()


def _signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeError, ValueError, TypeError):
        return False
    return True


def _intent(intent: stripe.PaymentIntent) -> Intent:
    """Ours of theirs. With automatic capture `requires_capture` does not occur; a hold by hand counts as processing."""
    error, action = intent.last_payment_error, intent.next_action
    redirect = action.redirect_to_url if action is not None and action.type == "redirect_to_url" else None
    code = "" if error is None else str(error.code or error.type)
    state = INTENT_STATES.get(intent.status, IntentState.PROCESSING)
    failed = state is IntentState.OPEN and error is not None
    return Intent(
        reference=intent.id,
        state=state,
        client_secret=intent.client_secret or "",
        next_action_uri=(redirect.url or "") if redirect is not None else "",
        failure=Failure(code, (error.message or "") if error is not None else "") if failed else None,
        trace="|".join([_id(intent.payment_method), _id(intent.latest_charge), code]),
    )


def _refund(refund: stripe.Refund) -> GatewayRefund:
    return GatewayRefund(refund.id, PROGRESS.get(refund.status or "", Progress.PENDING))


def _id(thing: Any) -> str:
    """The id of what Stripe gives by id or, expanded, as an object."""
    return str(getattr(thing, "id", thing) or "")
