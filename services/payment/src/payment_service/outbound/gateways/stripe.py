"""Stripe through its official SDK (https://docs.stripe.com/api), API version as the SDK pins it.

Credentials: url (https://api.stripe.com), api_key, publishable_key (for the payer's browser), webhook_secret (one, or
two with a comma between them while one is replaced).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import stripe

from domain_kit.money import Money
from domain_kit.refusals import NotFound
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import (
    Acknowledgement,
    Action,
    ActionKind,
    Delivery,
    Entry,
    Failure,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Order,
    Progress,
)
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.stripe_books import entries_of, of_metadata
from payment_service.outbound.gateways.stripe_errors import card_failure, failure_of, is_definite, refusing
from payment_service.outbound.gateways.stripe_http import AiohttpTransport
from payment_service.outbound.gateways.stripe_saved import StripeSaved
from payment_service.outbound.gateways.stripe_webhooks import read_event

INTENT_STATES = {
    "requires_payment_method": IntentState.OPEN,
    "requires_confirmation": IntentState.OPEN,
    "requires_action": IntentState.ACTION_REQUIRED,
    "processing": IntentState.PROCESSING,
    "requires_capture": IntentState.AUTHORIZED,
    "succeeded": IntentState.SUCCEEDED,
    "canceled": IntentState.CANCELLED,
}
# https://docs.stripe.com/api/disputes/object#dispute_object-status; an inquiry (`warning_…`) takes no money.
UNDECIDED, LOST = frozenset({"needs_response", "under_review"}), "lost"
PROGRESS = {"succeeded": Progress.SUCCEEDED, "failed": Progress.FAILED, "canceled": Progress.FAILED}
# An order whose reference was lost is looked for among those made so long before or after it was sent.
FOUND_WITHIN = timedelta(minutes=2)


class StripeGateway(StripeSaved):
    """PaymentGateway, Captures, Refunds, Webhooks, Reports and SavedMethods. One order is one intent."""

    name = "stripe"
    keeps_tries = True
    acknowledgement = Acknowledgement()

    def __init__(self, client: stripe.StripeClient, *, publishable_key: str, webhook_secrets: Sequence[str]) -> None:
        StripeSaved.__init__(self, client)
        self._client, self._intents, self._refunds = client, client.v1.payment_intents, client.v1.refunds
        self._disputes = client.v1.disputes
        self._balance = client.v1.balance_transactions
        self._publishable_key, self._secrets = publishable_key, tuple(webhook_secrets)
        self._can: Capabilities = capabilities_of(self.name)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """POST /v1/payment_intents."""
        with refusing():
            made = await self._post(
                "",
                order.key,
                amount=self._can.gateway_units(order.amount),
                currency=order.amount.currency.lower(),
                automatic_payment_methods={"enabled": True},
                capture_method="automatic" if order.capture else "manual",
                description=order.description,
                metadata={"payment": order.payment, "booking": order.booking, "order": order.key},
            )
        return self._intent(made)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """POST /v1/payment_intents/{id}/confirm, by then for the customer whose card it is.

        After a no the intent itself tells where it stands.
        """
        try:
            if order.keeper:
                await self._intents.update_async(reference, {"customer": order.keeper})
            confirmed = await self._post(
                f"/{_escaped(reference)}/confirm",
                f"{order.key}-{order.tries}",
                payment_method=order.token,
                return_url=order.return_uri,
            )
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return await self._after_no(reference, failure_of(error))
        return self._intent(confirmed)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v1/payment_intents/{id}; without the id, those made about when the order was sent."""
        if not reference:
            return await self._sought(order)
        try:
            return await self._retrieved(reference)
        except NotFound:
            return None

    async def cancel(self, order: Order, reference: str) -> Intent:
        """POST /v1/payment_intents/{id}/cancel."""
        if not reference:
            found = await self._sought(order)
            if found is None:
                return Intent("", IntentState.CANCELLED)
            reference = found.reference
        try:
            path, key = f"/{_escaped(reference)}/cancel", f"{order.key}-cancel-{order.tries}"
            return self._intent(await self._post(path, key))
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
        return await self._retrieved(reference)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """POST /v1/payment_intents/{id}/capture."""
        try:
            path, units = f"/{_escaped(reference)}/capture", self._can.gateway_units(amount)
            taken = await self._post(path, f"{order.key}-capture", amount_to_capture=units)
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return await self._retrieved(reference)
        return self._intent(taken)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """POST /v1/refunds; a definite no is a FAILED refund."""
        try:
            made = await self._refunds.create_async(
                {
                    "payment_intent": reference,
                    "amount": self._can.refund_units(amount),
                    "metadata": {"refund": id, "order": order.key},
                },
                {"idempotency_key": id},
            )
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return GatewayRefund("", Progress.FAILED)
        return _refund(made)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002 the intent says enough
        """GET /v1/refunds?payment_intent=…; those made elsewhere carry none of our ids and are left out."""
        found: dict[str, GatewayRefund] = {}
        with refusing():
            page = await self._refunds.list_async({"payment_intent": reference, "limit": 100})
            async for each in page.auto_paging_iter():
                if (id := of_metadata(each.metadata, "refund")) in ids:
                    found[id] = _refund(each)
        return found

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """A webhook event whose `Stripe-Signature` one of the secrets has made over the raw body."""
        return [read_event(delivery, self._secrets, now)]

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """See stripe_books."""
        return await entries_of(self._balance, self._can, since, until)

    async def _sought(self, order: Order) -> Intent | None:
        around = order.create_time.astimezone(UTC)
        window: Any = {
            "gte": int((around - FOUND_WITHIN).timestamp()), "lte": int((around + FOUND_WITHIN).timestamp()),
        }  # fmt: skip
        with refusing():
            page = await self._intents.list_async({"created": window, "limit": 100})
            async for each in page.auto_paging_iter():
                if of_metadata(each.metadata, "order") == order.key:
                    return await self._retrieved(each.id)
        return None

    async def _retrieved(self, reference: str) -> Intent:
        with refusing():
            found = await self._asked("get", f"/{_escaped(reference)}", expand=["latest_charge"])
            intent = self._intent(found)
            return await self._with_dispute(intent) if intent.disputed else intent

    async def _post(self, path: str, key: str, **params: Any) -> Mapping[str, Any]:
        return await self._asked("post", path, idempotency_key=key, **params)

    async def _asked(self, method: str, path: str, **params: Any) -> Mapping[str, Any]:
        """What Stripe answers about an intent, as it came: the SDK's objects take three times as long as the call."""
        answer = await self._client.raw_request_async(method, f"/v1/payment_intents{path}", **params)
        told: Mapping[str, Any] = answer.data
        return told

    async def _with_dispute(self, intent: Intent) -> Intent:
        """GET /v1/disputes?payment_intent=…: a charge that was disputed once says so for good, also when it was won."""
        found = (await self._disputes.list_async({"payment_intent": intent.reference, "limit": 100})).data
        lost = [each for each in found if each.status == LOST]
        fees = [(each.fee, each.currency) for one in lost for each in one.balance_transactions]
        code = fees[0][1].upper() if fees else ""
        fee = self._can.money(sum(each for each, _ in fees), code) if code in self._can.currencies else None
        disputed = bool(lost) or any(each.status in UNDECIDED for each in found)
        taken = self._can.money(sum(each.amount for each in lost), lost[0].currency.upper()) if lost else None
        return replace(intent, disputed=disputed, lost=bool(lost), disputed_amount=taken, dispute_fee=fee)

    async def _after_no(self, reference: str, failure: Failure) -> Intent:
        now = await self._retrieved(reference)
        return replace(now, failure=failure) if now.state is IntentState.OPEN else now

    def _intent(self, intent: Mapping[str, Any]) -> Intent:
        error, charge = intent.get("last_payment_error"), intent.get("latest_charge")
        page = (intent.get("next_action") or {}).get("redirect_to_url") or {}
        # What does not apply is left out of an error.
        code = "" if error is None else str(error.get("code") or error["type"])
        state = INTENT_STATES.get(intent["status"], IntentState.PROCESSING)
        failed = state is IntentState.OPEN and error is not None
        client = {"client_secret": intent.get("client_secret") or "", "publishable_key": self._publishable_key}
        taken = self._can.money(intent["amount_received"], intent["currency"].upper())
        return Intent(
            reference=intent["id"],
            state=state,
            client={name: value for name, value in client.items() if value},
            action=Action(ActionKind.REDIRECT, page["url"]) if page.get("url") else None,
            failure=card_failure(code, str(error.get("message", ""))) if error is not None and failed else None,
            captured=taken if state is IntentState.SUCCEEDED else None,
            # Where it is not expanded it says nothing.
            disputed=charge.get("disputed") if isinstance(charge, Mapping) else None,
            trace="|".join([_id(intent.get("payment_method")), _id(charge), code]),
        )


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str],
    *,
    timeout: float,
    webhook_url: str = "",  # noqa: ARG001 set in Stripe's dashboard
) -> AsyncIterator[StripeGateway]:
    """A gateway for as long as the context lasts; its connections are kept and used again.

    timeout: seconds for connecting and for each read. The SDK never repeats anything: that is done outside.
    """
    http = AiohttpTransport(timeout)
    stripe.enable_telemetry = False  # an id of this machine, what runs on it and how long calls take
    url = credentials.get("url") or "https://api.stripe.com"
    client = stripe.StripeClient(
        credentials["api_key"], base_addresses={"api": url.rstrip("/")}, http_client=http, max_network_retries=0
    )
    secrets = [each.strip() for each in credentials["webhook_secret"].split(",") if each.strip()]
    try:
        yield StripeGateway(client, publishable_key=credentials.get("publishable_key", ""), webhook_secrets=secrets)
    finally:
        await http.close_async()


def _refund(refund: stripe.Refund) -> GatewayRefund:
    return GatewayRefund(refund.id, PROGRESS.get(refund.status or "", Progress.PENDING))


def _id(thing: Any) -> str:
    """The id of what Stripe gives by id or, expanded, as an object."""
    return str((thing["id"] if isinstance(thing, Mapping) else thing) or "")


def _escaped(reference: str) -> str:
    """As a part of a path."""
    return quote(reference, safe="")
