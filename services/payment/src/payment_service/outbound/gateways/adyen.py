"""Adyen through its official SDK (Checkout API v72, https://docs.adyen.com/api-explorer/Checkout/72/overview).

credentials: "api_key", "merchant_account", "client_key" (for the payer's browser), "hmac_key" as "webhook_secret" (in
hexadecimal digits; one, or two with a comma between them), "environment" ("test" or "live", the latter with
"live_prefix"), and "url" where it is not Adyen's own; for reconciliation those that adyen_books names.

`Order.token` is what Adyen's component in the browser gives: the JSON of `state.data` with its `paymentMethod`. After
an action (3-D Secure), which the component takes from `Intent.client["action"]`, it is the JSON with `details`; a payer
who was sent away comes back with `redirectResult`, which is `{"details": {"redirectResult": …}}`.

Adyen hears of an order with the token only, and cannot be asked about one: `find` (and so `cancel`) repeats the call
under the same key, which Adyen answers as before, or does now if it never came. Changes are "received", and what became
of them comes by webhook alone, so that `Notice.refunds` and `Notice.intent` are where one learns of it.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import Adyen

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound
from payment_service.domain.gateways import (
    Acknowledgement,
    Delivery,
    Entry,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Order,
    Progress,
)
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.adyen_books import AdyenBooks
from payment_service.outbound.gateways.adyen_calls import AdyenCalls
from payment_service.outbound.gateways.adyen_objects import asked_of, intent_of, notice_of, received, told_apart
from payment_service.outbound.gateways.adyen_saved import AdyenSaved, stored_card
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.kept_session import KeptSession
from payment_service.outbound.gateways.said_no import bad_body, bad_signature

KEYS_LIVE = timedelta(days=7)  # at least (https://docs.adyen.com/development-resources/api-idempotency)
SETTLED = (IntentState.SUCCEEDED, IntentState.CANCELLED)


class AdyenGateway(AdyenSaved):
    """PaymentGateway, Captures, Refunds, Webhooks, Reports and SavedMethods."""

    name = "adyen"
    acknowledgement = Acknowledgement(b"[accepted]", "text/plain")

    def __init__(self, checkout: Any, credentials: Mapping[str, str], *, timeout: float = 60.0) -> None:
        AdyenSaved.__init__(self, checkout.recurring_api, credentials["merchant_account"], AdyenCalls())
        self._payments, self._changes = checkout.payments_api, checkout.modifications_api
        self._secrets = tuple(credentials["webhook_secret"].split(","))
        for secret in self._secrets:
            bytes.fromhex(secret)  # ValueError now, and not a refusal of every webhook later
        environment = credentials.get("environment", "test")
        self._client = {"client_key": credentials["client_key"], "environment": environment}
        self._can = capabilities_of(self.name)
        self._books = AdyenBooks(credentials, self._can, timeout)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """Nothing is sent before there is a token."""
        self.check_amount(order.amount)
        return Intent(order.key, IntentState.OPEN, self._client)

    async def confirm(self, order: Order, reference: str) -> Intent:  # noqa: ARG002 - the key is what counts
        """POST /payments, or /payments/details once the payer has acted."""
        try:
            asked = stored_card(order.token, order.keeper) if order.keeper else asked_of(order.token)
        except ValueError:
            return self._refused(order, "token_invalid")
        act, key = self._payments.payments_details, told_apart(order.key, json.dumps(asked, sort_keys=True))
        if "paymentMethod" in asked:
            act, key = self._payments.payments, order.key
            asked = {**self._terms(order), **asked} if order.keeper else {**asked, **self._terms(order)}
        try:
            return intent_of(await self._call(act, asked, key=key), order, self._can, self._client)
        except (InvalidArgument, NotFound, FailedPrecondition) as refusal:
            return self._refused(order, refusal.metadata.get("gateway_code") or "refused")

    async def find(self, order: Order, reference: str) -> Intent | None:
        """The last call again, as long as Adyen remembers its key; FailedPrecondition GATEWAY_REFUSED after that."""
        if not order.token:
            return Intent(order.key, IntentState.OPEN, self._client) if reference else None
        if datetime.now(UTC) - order.create_time > KEYS_LIVE:
            raise FailedPrecondition("GATEWAY_REFUSED", "Adyen cannot be asked about an order of last week.")
        return await self.confirm(order, reference)

    async def cancel(self, order: Order, reference: str) -> Intent:
        """POST /payments/{psp}/cancels of what is reserved; what waits for its payer is paid only by another call."""
        stands = await self.find(order, reference or order.key)
        if stands is None or stands.state in SETTLED or stands.state is IntentState.PROCESSING:
            return stands or Intent(order.key, IntentState.CANCELLED, self._client)
        if stands.state is IntentState.AUTHORIZED:
            key, asked = told_apart(order.key, "cancel"), {"merchantAccount": self._account, "reference": order.key}
            act = self._changes.cancel_authorised_payment_by_psp_reference
            received(await self._call(act, asked, stands.reference, key=key))
        return replace(stands, state=IntentState.CANCELLED, action=None)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """POST /payments/{psp}/captures. PROCESSING: the CAPTURE webhook says whether it was taken."""
        asked = {"merchantAccount": self._account, "amount": self._money(amount), "reference": order.key}
        act, key = self._changes.capture_authorised_payment, told_apart(order.key, "capture")
        psp = received(await self._call(act, asked, reference, key=key))
        return Intent(reference, IntentState.PROCESSING, self._client, trace=f"{reference}:capture:{psp}")

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:  # noqa: ARG002
        """POST /payments/{psp}/refunds. PENDING: the REFUND webhook says what became of it."""
        asked = {"merchantAccount": self._account, "amount": self._money(amount), "reference": id}
        try:
            made = await self._call(self._changes.refund_captured_payment, asked, reference, key=id)
        except (InvalidArgument, NotFound, FailedPrecondition):
            return GatewayRefund("", Progress.FAILED)
        return GatewayRefund(received(made), Progress.PENDING)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """Nothing: Adyen cannot be asked, see `Notice.refunds`."""
        return {}

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """See adyen_books."""
        return await self._books.entries(since, until)

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:  # noqa: ARG002 - Adyen signs no time
        """Every item of the notification. One that is not Adyen's makes all of them wrong."""
        try:
            items = [each["NotificationRequestItem"] for each in json.loads(delivery.body)["notificationItems"]]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise bad_body() from None
        if not items:
            raise bad_body()
        if not all(any(_signed(item, secret) for secret in self._secrets) for item in items):
            raise bad_signature()
        return [notice_of(item, self._account, self._can) for item in items]

    def _terms(self, order: Order) -> dict[str, Any]:
        """What of a payment is ours to say, whatever came from the browser."""
        return {
            "merchantAccount": self._account,
            "amount": self._money(order.amount, least=True),
            "reference": order.key,
            "returnUrl": order.return_uri,
            "channel": "Web",
            "shopperInteraction": "Ecommerce",
            "metadata": {"payment": order.payment[-80:], "booking": order.booking[-80:]},
            **({"shopperEmail": order.buyer_email} if order.buyer_email else {}),
            **({"countryCode": order.buyer_country} if order.buyer_country else {}),
            **({"captureDelayHours": 0} if order.capture else {"additionalData": {"manualCapture": "true"}}),
        }

    def _money(self, amount: Money, *, least: bool = False) -> dict[str, Any]:
        units = self._can.gateway_units(amount) if least else self._can.refund_units(amount)
        return {"value": units, "currency": amount.currency}

    def _refused(self, order: Order, code: str) -> Intent:
        failure = Failure(code, "Adyen did not accept this way to pay.", FailureKind.REFUSED)
        return Intent(order.key, IntentState.OPEN, self._client, failure=failure)


class _Kept:
    """Takes the place of the SDK's transport; errors never reach the SDK, which would put the request into them."""

    user_agent = "usher"

    def __init__(self, session: KeptSession) -> None:
        self._session = session

    def request(
        self, method: str, url: str, *, json: Any, xapikey: str, headers: Mapping[str, str]
    ) -> tuple[str, None, int, Mapping[str, str]]:
        """Text, nothing of what was sent, status and headers."""
        answer = self._session.request(method, url, json=json, headers={**headers, "X-API-Key": xapikey})
        return answer.text, None, answer.status_code, answer.headers


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[AdyenGateway]:
    """A gateway for as long as the context lasts. Where webhooks go is set in Adyen's Customer Area."""
    del webhook_url
    async with Connections(timeout) as connections:
        client = Adyen.AdyenClient(
            xapikey=credentials["api_key"],
            platform=credentials.get("environment", "test"),
            live_endpoint_prefix=credentials.get("live_prefix"),
        )
        client.http_client, client.http_init = _Kept(KeptSession(connections)), True
        checkout = Adyen.AdyenCheckoutApi(client=client)
        if credentials.get("url"):
            for part in (checkout.payments_api, checkout.modifications_api, checkout.recurring_api):
                part.baseUrl = f"{credentials['url'].rstrip('/')}/v72"
        yield AdyenGateway(checkout, credentials, timeout=timeout)


def _signed(item: Any, secret: str) -> bool:
    """By the SDK's check, which gives None where there is no signature, looks only at the first item of a list, so that
    each goes alone, and would look at a list inside an item instead of at the item.
    """
    try:
        return "notificationItems" not in item and Adyen.util.is_valid_hmac_notification(item, secret) is True
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
