"""PayPal through its official SDK: Orders v2 and Payments v2 (https://developer.paypal.com/docs/api/orders/v2/).

Credentials: url (https://api-m.paypal.com), client_id, client_secret, webhook_id (PayPal's id of our webhook address;
two with a comma between them while one follows another), certificates (what the addresses of the certificates that
sign webhooks begin with: https://api.paypal.com/v1/notifications/certs/), certificate_subject (their common name:
messageverificationcerts.paypal.com).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.paypal_books import INTENTS, PayPalBooks, called_off, payments_of, refund_of
from payment_service.outbound.gateways.paypal_client import PayPalClient
from payment_service.outbound.gateways.paypal_errors import ANOTHER_BODY, No
from payment_service.outbound.gateways.paypal_webhooks import Certificates, PayPalWebhooks
from payment_service.outbound.gateways.said_no import unavailable

CREATED = 201  # the answer to a request id that PayPal has not seen before
WHOLE = "return=representation"
# Where an order stands may be the reason: then it is looked at.
STANDS_ELSEWHERE = frozenset({
    "ORDER_ALREADY_CAPTURED", "ORDER_ALREADY_AUTHORIZED", "ORDER_ALREADY_COMPLETED", "ORDER_NOT_APPROVED",
    "ORDER_CANNOT_BE_CAPTURED", "ORDER_CANNOT_BE_AUTHORIZED", "ACTION_DOES_NOT_MATCH_INTENT",
    "ORDER_COMPLETED_OR_VOIDED", "AUTHORIZATION_ALREADY_CAPTURED", "AUTHORIZATION_VOIDED",
    "PREVIOUSLY_CAPTURED", "PREVIOUSLY_VOIDED",
})  # fmt: skip


class PayPalGateway(PayPalBooks, PayPalWebhooks):
    """PaymentGateway, Captures, Refunds, Webhooks and Reports of payment_service.domain.gateways.

    The payer approves PayPal's order on PayPal's page, and `confirm` captures or authorizes it. Our key is the request
    id it is made with, and its invoice id, of which PayPal captures only one.
    """

    name = "paypal"

    def __init__(self, client: PayPalClient, credentials: Mapping[str, str]) -> None:
        PayPalBooks.__init__(self, client, capabilities_of(self.name))
        certificates = Certificates(credentials["certificates"], credentials["certificate_subject"])
        PayPalWebhooks.__init__(self, credentials["webhook_id"].split(","), certificates, self._money)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """POST /v2/checkout/orders."""
        status, made = await self._create(order)
        # What comes back for a request id that was used is what was answered at first.
        return self._intent(order, made if status == CREATED else await self._get(made["id"]))

    async def confirm(self, order: Order, reference: str) -> Intent:
        """POST /v2/checkout/orders/{id}/capture or /authorize."""
        id = reference or await self._id(order)
        verb = "capture_order" if order.capture else "authorize_order"
        try:
            _, done = await self._paypal.orders(verb, id=id, paypal_request_id=f"{order.key}-take", prefer=WHOLE)
        except No as no:
            now = self._intent(order, await self._get(id))
            if no.issue in STANDS_ELSEWHERE:
                return now
            if now.state in (IntentState.ACTION_REQUIRED, IntentState.APPROVED):
                now = await self.cancel(order, id)  # another try is another order
            if now.state is not IntentState.CANCELLED:
                return now
            return Intent(now.reference, now.state, failure=no.failure, trace=no.issue)
        return self._intent(order, done)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v2/checkout/orders/{id}.

        PayPal has no way to look for an order. By the key it is begun again: if that makes a new one (which nobody has
        approved, and which `begin` will find), there was none before.
        """
        if not reference:
            status, made = await self._create(order)
            if status == CREATED:
                return None
            reference = made["id"]
        try:
            return self._intent(order, await self._get(reference))
        except No as no:
            if no.issue in ("INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND"):
                return None
            raise

    async def cancel(self, order: Order, reference: str) -> Intent:
        """PATCH /v2/checkout/orders/{id}, or POST /v2/payments/authorizations/{id}/void.

        PayPal cannot call an order off. So its intent is made the other one: from then on PayPal refuses the capture
        (or authorization) that ours is, also one under way, and everybody can see that it was called off.
        """
        found = await self._get(reference or await self._id(order))
        now = self._intent(order, found)
        try:
            if now.state in (IntentState.ACTION_REQUIRED, IntentState.APPROVED, IntentState.PROCESSING):
                if found["status"] != "COMPLETED" and not called_off(order, found):
                    other = {"op": "replace", "path": "/intent", "value": INTENTS[not order.capture]}
                    await self._paypal.orders("patch_order", id=now.reference, body=[other])
            elif now.state is IntentState.AUTHORIZED:
                id = str(payments_of(found, "authorizations")[-1]["id"])
                await self._paypal.payments("void_payment", authorization_id=id, prefer=WHOLE)
            else:
                return now
        except No as no:
            if no.issue not in STANDS_ELSEWHERE:
                raise
        return self._intent(order, await self._get(now.reference))

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """POST /v2/payments/authorizations/{id}/capture."""
        found = await self._get(reference or await self._id(order))
        now = self._intent(order, found)
        if now.state is not IntentState.AUTHORIZED:
            return now
        try:
            await self._paypal.payments(
                "capture_authorized_payment",
                authorization_id=str(payments_of(found, "authorizations")[-1]["id"]),
                paypal_request_id=f"{order.key}-capture",
                prefer=WHOLE,
                body={"amount": self._said(self._can.decimal_text(amount), amount), "final_capture": True},
            )
        except No as no:
            if no.issue not in STANDS_ELSEWHERE:
                raise
        return self._intent(order, await self._get(now.reference))

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """POST /v2/payments/captures/{id}/refund; a definite no is a FAILED refund."""
        captures = payments_of(await self._get(reference or await self._id(order)), "captures")
        if not captures:
            raise FailedPrecondition("GATEWAY_REFUSED", "The payment gateway has taken nothing for this order.")
        try:
            _, made = await self._paypal.payments(
                "refund_captured_payment",
                capture_id=str(captures[-1]["id"]),
                paypal_request_id=id,
                prefer=WHOLE,
                body={
                    "amount": self._said(self._can.refund_text(amount), amount),
                    "custom_id": f"{order.key}.{id}",  # webhooks about it name it, and so the order
                },
            )
        except No as no:
            if no.issue == ANOTHER_BODY:
                raise
            return GatewayRefund("", Progress.FAILED)
        return refund_of(made)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:
        """GET /v2/checkout/orders/{id}, which lists them."""
        found = payments_of(await self._get(reference or await self._id(order)), "refunds")
        named = {str(each.get("custom_id") or "").partition(".")[2]: refund_of(each) for each in found}
        return {id: named[id] for id in ids if id in named}

    async def _create(self, order: Order) -> tuple[int, Any]:
        pages = {"return_url": order.return_uri, "cancel_url": order.return_uri}
        context = {**pages, "user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
        unit = {
            "amount": self._said(self._can.decimal_text(order.amount), order.amount),
            "custom_id": order.key,
            "invoice_id": order.key,
            "description": order.description[:127],
        }
        body = {
            "intent": INTENTS[order.capture],
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        status, made = await self._paypal.orders("create_order", body=body, paypal_request_id=order.key, prefer=WHOLE)
        if not isinstance(made, dict) or not made.get("id"):
            raise unavailable()
        return status, made

    async def _id(self, order: Order) -> str:
        return str((await self._create(order))[1]["id"])

    async def _get(self, id: str) -> Any:
        return (await self._paypal.orders("get_order", id=id))[1]

    def _said(self, text: str, amount: Money) -> Mapping[str, str]:
        return {"currency_code": amount.currency, "value": text}


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str],
    *,
    timeout: float,
    webhook_url: str,  # noqa: ARG001
) -> AsyncIterator[PayPalGateway]:
    """For as long as the context lasts; its connections are kept and used again. PayPal does not sign the address."""
    async with Connections(timeout) as connections:
        gateway = PayPalGateway(PayPalClient(credentials, connections), credentials)
        try:
            yield gateway
        finally:
            gateway.close_readers()
