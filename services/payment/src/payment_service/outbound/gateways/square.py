"""Square through its official SDK, version 2026-09-16 of the API (https://developer.squareup.com/reference/square).

Credentials: url (https://connect.squareup.com), access_token, application_id, location_id, currency (the location's),
webhook_secret (the signature key; two with a comma between them while one follows another).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from square import AsyncSquare

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.said_no import unavailable
from payment_service.outbound.gateways.square_books import ONCE, SquareBooks
from payment_service.outbound.gateways.square_errors import REUSED, No, answered
from payment_service.outbound.gateways.square_saved import SquareSaved
from payment_service.outbound.gateways.square_webhooks import SquareWebhooks

API_VERSION = "2026-09-16"
PROGRESS = {"COMPLETED": Progress.SUCCEEDED, "REJECTED": Progress.FAILED, "FAILED": Progress.FAILED}
CLOCKS_APART = timedelta(minutes=5)  # between Square's and ours, when we look by the time an order was first sent
CALLED_OFF = "cnon:called-off"  # no token of anybody's


class SquareGateway(SquareBooks, SquareSaved, SquareWebhooks):
    """PaymentGateway, Captures, Refunds, Webhooks, Reports and SavedMethods.

    Square hears of an order with the payer's token only. The order's key is the idempotency key of its one payment, so
    an order is tried once, and also the payment's `reference_id`, by which it is found in the list of payments. The
    list may be some seconds behind, so that no payment in it proves nothing yet; what is done by the key is exact.
    """

    name = "square"

    def __init__(self, client: AsyncSquare, credentials: Mapping[str, str], webhook_url: str) -> None:
        SquareBooks.__init__(self, client, credentials["location_id"], capabilities_of(self.name))
        SquareSaved.__init__(self, client)
        SquareWebhooks.__init__(self, webhook_url, credentials["webhook_secret"].split(","), self._can)
        self._application, self._currency = credentials["application_id"], credentials["currency"]

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE; a location of Square takes one currency."""
        self._can.gateway_units(amount)
        if amount.currency != self._currency:
            raise InvalidArgument.of(
                "amount",
                f"{amount} cannot be charged: this account takes {self._currency}.",
                reason="AMOUNT_NOT_CHARGEABLE",
            )

    async def begin(self, order: Order) -> Intent:
        """Nothing is asked of Square yet: what the browser needs to get a token, 3-D Secure included."""
        self.check_amount(order.amount)
        return self._open(order)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """POST /v2/payments."""
        if reference not in ("", order.key):
            return await self._get(reference)
        if not order.token:
            return self._open(order)
        try:
            made = await self._create(order, order.token)
        except No as no:
            return await self._after_no(order, no)
        # What comes back may be what was answered at first, since when a hold may have been taken or let go.
        return made if made.state is IntentState.SUCCEEDED else await self._get(made.reference)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v2/payments/{id}, or the list of payments since the order was first sent."""
        if reference not in ("", order.key):
            try:
                return await self._get(reference)
            except No as no:
                if no.gateway_code == "NOT_FOUND":
                    return None
                raise
        since = order.create_time - CLOCKS_APART
        # A hold may have been taken in part, which changes the amount.
        total = self._can.gateway_units(order.amount) if order.capture else None
        listed = await self._payments(since, total=total)
        found = [self._intent(each) for each in listed if each.reference_id == order.key]
        return next((each for each in found if each.failure is None), found[0] if found else None)

    async def cancel(self, order: Order, reference: str) -> Intent:
        """POST /v2/payments/{id}/cancel, or by the key.

        Square forgets at once that a key without a payment was called off. So we use the key up with a token that
        nobody has: what is sent with it afterwards, or was under way, is refused as IDEMPOTENCY_KEY_REUSED.
        """
        if reference not in ("", order.key):
            try:
                gone = await answered(self._square.payments.cancel(reference, request_options=ONCE))
                return self._intent(gone.payment)
            except No:
                return await self._get(reference)
        try:
            await answered(
                self._square.payments.cancel_by_idempotency_key(idempotency_key=order.key, request_options=ONCE)
            )
        except No:
            return await self._tried(order)
        return self._cancelled(order) if await self._used_up(order) else await self._tried(order)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """PUT /v2/payments/{id} for less than is held, then POST /v2/payments/{id}/complete."""
        held = await self._get(await self._payment_of(order, reference))
        if held.state is not IntentState.AUTHORIZED:
            return held
        units = self._can.gateway_units(amount)
        try:
            if amount != order.amount:
                change = {"amount_money": {"amount": units, "currency": amount.currency}}
                key = sha256(f"{order.key}|{units}".encode()).hexdigest()[:32]
                await answered(
                    self._square.payments.update(
                        held.reference, idempotency_key=key, payment=change, request_options=ONCE
                    )
                )
            taken = await answered(self._square.payments.complete(held.reference, request_options=ONCE))
        except No:
            now = await self._get(held.reference)
            if now.state is IntentState.AUTHORIZED:
                raise
            return now
        return self._intent(taken.payment)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """POST /v2/refunds; our id stays with it as the reason. A definite no is a FAILED refund."""
        payment = await self._payment_of(order, reference)
        money = {"amount": self._can.refund_units(amount), "currency": amount.currency}
        try:
            made = await answered(
                self._square.refunds.refund_payment(
                    idempotency_key=id, payment_id=payment, amount_money=money, reason=id, request_options=ONCE
                )
            )
        except No as no:
            if no.gateway_code == REUSED:
                raise
            return GatewayRefund("", Progress.FAILED)
        return _refund(made.refund)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:
        """GET /v2/refunds/{id} for each that the payment names."""
        payment = await self._payment(await self._payment_of(order, reference))
        found: dict[str, GatewayRefund] = {}
        for each in payment.refund_ids or ():
            refund = (await answered(self._square.refunds.get(each, request_options=ONCE))).refund
            if refund is not None and refund.reason in ids:
                found[refund.reason] = _refund(refund)
        return found

    async def _create(self, order: Order, token: str) -> Intent:
        made = await answered(
            self._square.payments.create(
                source_id=token,
                idempotency_key=order.key,
                amount_money={"amount": self._can.gateway_units(order.amount), "currency": order.amount.currency},
                autocomplete=order.capture,
                location_id=self._location,
                reference_id=order.key,
                **({"customer_id": order.keeper} if order.keeper and token != CALLED_OFF else {}),
                note=order.description[:500],
                request_options=ONCE,
            )
        )
        return self._intent(made.payment)

    async def _after_no(self, order: Order, no: No) -> Intent:
        if no.gateway_code != REUSED:
            found = await self.find(order, "")
            return found or self._cancelled(order, no)
        if found := await self.find(order, ""):
            return found
        if await self._used_up(order):
            return self._cancelled(order, no)
        raise unavailable()  # another token was tried, and what became of it is not in the list yet

    async def _used_up(self, order: Order) -> bool:
        """Whether the key belongs to the token that nobody has, now or since an earlier call."""
        try:
            await self._create(order, CALLED_OFF)
        except No as no:
            return no.gateway_code != REUSED
        return False

    async def _tried(self, order: Order) -> Intent:
        """What became of a key that was used: the same request gets the same answer, where we have the token."""
        if order.token:
            try:
                return await self._get((await self._create(order, order.token)).reference)
            except No as no:
                if no.gateway_code != REUSED:
                    return self._cancelled(order, no)
        if found := await self.find(order, ""):
            return found
        raise unavailable()

    async def _payment_of(self, order: Order, reference: str) -> str:
        if reference not in ("", order.key):
            return reference
        found = await self.find(order, "")
        if found is None:
            raise FailedPrecondition("GATEWAY_REFUSED", "The payment gateway knows no payment of this order.")
        return found.reference

    def _open(self, order: Order) -> Intent:
        client = {"application_id": self._application, "location_id": self._location}
        return Intent(order.key, IntentState.OPEN, client=client)

    def _cancelled(self, order: Order, no: No | None = None) -> Intent:
        return Intent(order.key, IntentState.CANCELLED, failure=no.failure if no else None)


def _refund(refund: Any) -> GatewayRefund:
    if refund is None:
        raise unavailable()
    return GatewayRefund(refund.id, PROGRESS.get(refund.status, Progress.PENDING))


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[SquareGateway]:
    """For as long as the context lasts; its connections are kept and used again. Nothing is repeated by the SDK."""
    async with Connections(timeout) as connections:
        client = AsyncSquare(
            token=credentials["access_token"],
            base_url=credentials["url"].rstrip("/"),
            httpx_client=connections,  # type: ignore[arg-type]  # of which it calls `request`
            timeout=timeout,
            version=API_VERSION,
        )
        yield SquareGateway(client, credentials, webhook_url)
