"""Razorpay through its official SDK (API v1, https://razorpay.com/docs/api).

credentials: "key_id", "key_secret", "webhook_secret" (one, or two with a comma between them), and "url" where it is
not Razorpay's own.

Our order is theirs, found by its `receipt`. The payer's checkout pays it with `order_id` and `key_id`; what it gives to
the page is `Order.token`: its JSON, or `<payment id>|<signature>`. An order says that only we capture, so that
nothing is taken before `confirm`; what stays uncaptured Razorpay gives back by itself. It knows no way to cancel an
order: one that was called off carries a note that says so, and is never captured.
"""

import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import razorpay

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument
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
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.kept_session import KeptSession, refusing
from payment_service.outbound.gateways.on_the_loop import run
from payment_service.outbound.gateways.razorpay_disputes import entry_of_dispute, said_of, takes_nothing
from payment_service.outbound.gateways.razorpay_objects import (
    CALLED_OFF,
    Standing,
    entry_of,
    paid_with,
    refund_of,
    with_payment,
)
from payment_service.outbound.gateways.said_no import bad_body, bad_signature

PAGE = 100
REMEMBERED = 1000  # keys of orders that were begun here; the oldest are long since paid or over
EXPANDED = {"expand[]": "payments"}
PAID = {"payment.authorized", "payment.captured", "order.paid"}
FORGED = Failure("signature_invalid", "This is no payment of Razorpay's checkout.", FailureKind.REFUSED)
UNKNOWN = Failure("payment_unknown", "This payment belongs to another order.", FailureKind.REFUSED)


class RazorpayGateway:
    """PaymentGateway, Captures, Refunds, Webhooks and Reports."""

    name = "razorpay"
    acknowledgement = Acknowledgement()

    def __init__(self, client: Any, webhook_secrets: Sequence[str]) -> None:
        self._client, self._secrets = client, tuple(webhook_secrets)
        self._can = capabilities_of(self.name)
        self._begun: deque[str] = deque(maxlen=REMEMBERED)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """POST /v1/orders, unless there is one with our key; nobody has sent it but we."""
        found = await self._by_receipt(order) if order.key in self._begun else None
        if found is None:
            self._begun.append(order.key)
            found = await self._call(
                self._client.order.create,
                {
                    "amount": self._can.gateway_units(order.amount),
                    "currency": order.amount.currency,
                    "receipt": order.key,
                    "notes": _notes(order),
                    "payment": {"capture": "manual", "capture_options": {"refund_speed": "normal"}},
                },
            )
        return self._intent(order, found)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """POST /v1/payments/{id}/capture of the payment that the token names, or of the one that waits."""
        found = await self._look(reference)
        stands, before = Standing.of(found), self._intent(order, found)
        if before.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
            return before
        waiting = stands.waiting
        if order.token:
            id = paid_with(self._client.utility, order.token, reference)
            if id is None:
                return replace(before, state=IntentState.OPEN, failure=before.failure or FORGED)
            waiting = stands.payment(id)
            if waiting is None:
                return replace(before, state=IntentState.OPEN, failure=UNKNOWN)
        if waiting is None or waiting["status"] != "authorized" or not order.capture:
            return before
        return await self._captured(order, found, waiting)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v1/orders/{id}, or by receipt."""
        found = await self._look(reference) if reference else await self._by_receipt(order)
        return None if found is None else self._intent(order, found)

    async def cancel(self, order: Order, reference: str) -> Intent:
        """PATCH /v1/orders/{id} with a note, and a look whether a payment was quicker."""
        before = self._intent(order, await self._look(reference))
        if before.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
            return before
        await self._call(self._client.order.edit, reference, {"notes": {**_notes(order), CALLED_OFF: "yes"}})
        return self._intent(order, await self._look(reference))

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """POST /v1/payments/{id}/capture of the whole; Razorpay takes no part of what is reserved."""
        found = await self._look(reference)
        before, waiting = self._intent(order, found), Standing.of(found).waiting
        if before.state is not IntentState.AUTHORIZED or waiting is None:
            return before
        if amount != order.amount:
            raise FailedPrecondition("GATEWAY_REFUSED", "Razorpay takes all of what is reserved, never a part.")
        return await self._captured(order, found, waiting)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """POST /v1/payments/{id}/refund; a definite no is a FAILED refund.

        Our id is looked for first: how long Razorpay remembers an idempotency key is not documented.
        """
        units, payment = self._can.refund_units(amount), await self._paid(reference)
        for made in await self._refunds(payment):
            if made.get("receipt") == id:
                return refund_of(made)
        data = {"amount": units, "speed": "normal", "receipt": id, "notes": {"key": order.key, "order": reference}}
        headers = {"X-Refund-Idempotency": id}
        try:
            return refund_of(await self._call(self._client.payment.refund, payment, data, headers=headers))
        except InvalidArgument:
            return GatewayRefund("", Progress.FAILED)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """GET /v1/payments/{id}/refunds; our id is their receipt."""
        made = await self._refunds(await self._paid(reference))
        return {each["receipt"]: refund_of(each) for each in made if each.get("receipt") in ids}

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """GET /v1/payments, /v1/refunds and /v1/disputes of that time; its fees have the tax on them included."""
        time = {"from": int(since.timestamp()), "to": int(until.timestamp())}
        asked = (self._client.payment.all, self._client.refund.all)
        things = [each for ask in asked for each in await self._pages(ask, time)]
        entries = [entry for each in things if (entry := entry_of(each, self._can)) and since <= entry.time < until]
        for each in await self._pages(self._client.dispute.all, time):
            if not takes_nothing(each):
                payment = await self._call(self._client.payment.fetch, each["payment_id"])
                entries.append(entry_of_dispute(each, payment, self._can))
        return sorted((each for each in entries if each.time < until), key=lambda entry: (entry.time, entry.id))

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:  # noqa: ARG002 - Razorpay signs no time
        """One event. Its id is made of the signed body, since `x-razorpay-event-id` is not signed."""
        signature = delivery.headers.get("x-razorpay-signature", "")
        if not any(self._signed(delivery.body, signature, secret) for secret in self._secrets):
            raise bad_signature()
        id = hashlib.sha256(delivery.body).hexdigest()[:32]
        try:
            event = json.loads(delivery.body)
            things = [each["entity"] for each in event["payload"].values()]
            orders = [thing["id"] if thing.get("entity") == "order" else thing.get("order_id") for thing in things]
            reference = next((each for each in orders if each), "")
            dispute = event["payload"].get("dispute")
            said = said_of(dispute["entity"], event["created_at"], self._can) if dispute else None
            return [Notice(id, reference=str(reference), intent=said, paid=event.get("event") in PAID)]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise bad_body() from None

    async def _captured(self, order: Order, found: Mapping[str, Any], payment: Mapping[str, Any]) -> Intent:
        """After a no, which is what a repetition gets too, the order itself tells where it stands."""
        # A dictionary of our own: the SDK's default one is shared by all calls.
        data = {"currency": payment["currency"]}
        refused = ""
        try:
            taken = await self._call(self._client.payment.capture, payment["id"], payment["amount"], data)
            if taken.get("id") == payment["id"] and taken.get("captured"):
                return self._intent(order, with_payment(found, taken))
        except InvalidArgument as refusal:
            refused = refusal.metadata["gateway_code"] or "capture_refused"
        stands = self._intent(order, await self._look(found["id"]))
        if refused and stands.state is not IntentState.SUCCEEDED:
            return replace(stands, failure=Failure(refused, "The payment could not be taken.", FailureKind.GATEWAY))
        return stands

    async def _look(self, reference: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._call(self._client.order.fetch, reference, dict(EXPANDED))
        return found

    async def _by_receipt(self, order: Order) -> Mapping[str, Any] | None:
        """The first that was made, should two calls at once have made two."""
        found = (await self._call(self._client.order.all, {"receipt": order.key, **EXPANDED}))["items"]
        return min(found, key=lambda each: (each["created_at"], each["id"]), default=None)

    async def _paid(self, reference: str) -> str:
        taken = Standing.of(await self._look(reference)).taken
        if taken is None:
            raise FailedPrecondition("GATEWAY_REFUSED", "Nothing was taken that could be paid back.")
        return str(taken["id"])

    async def _refunds(self, payment: str) -> Sequence[Mapping[str, Any]]:
        return await self._pages(lambda page: self._client.payment.fetch_multiple_refund(payment, page), {})

    async def _pages(self, ask: Callable[[Mapping[str, Any]], Any], asked: Mapping[str, Any]) -> list[Any]:
        found: Any = []
        while True:
            page = (await self._call(ask, {**asked, "count": PAGE, "skip": len(found)}))["items"]
            found += page
            if len(page) < PAGE:
                return found  # type: ignore[no-any-return]

    async def _call(self, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with refusing(self.name, _code_of, _decided):
            return await run(act, *args, **options)

    def _intent(self, order: Order, found: Mapping[str, Any]) -> Intent:
        client = {"key_id": self._client.auth[0], "order_id": found["id"]}
        return Standing.of(found).intent(order, self._can, client)

    def _signed(self, body: bytes, signature: str, secret: str) -> bool:
        try:
            return bool(self._client.utility.verify_webhook_signature(body.decode(), signature, secret))
        except (razorpay.errors.SignatureVerificationError, UnicodeError, TypeError):
            return False


class _Client(razorpay.Client):  # type: ignore[misc]  # the SDK has no types
    """The SDK, which would read its own version from the disk with every call: half of what a call costs."""

    _version = ""

    def _get_version(self) -> str:
        self._version = self._version or str(super()._get_version())
        return self._version


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[RazorpayGateway]:
    """A gateway for as long as the context lasts. Where webhooks go is set in Razorpay's dashboard."""
    del webhook_url
    keys = (credentials["key_id"], credentials["key_secret"])
    own = {"base_url": credentials["url"].rstrip("/")} if credentials.get("url") else {}
    async with Connections(timeout) as connections:
        client = _Client(session=KeptSession(connections), auth=keys, **own)
        yield RazorpayGateway(client, credentials["webhook_secret"].split(","))


def _notes(order: Order) -> dict[str, str]:
    return {"payment": order.payment, "booking": order.booking}


def _code_of(body: Mapping[str, Any]) -> str:
    error = _error_of(body)
    return str(error.get("reason") or error.get("code") or "")


def _decided(body: Mapping[str, Any]) -> bool:
    """Trouble at Razorpay's own gateways and servers may come with any status."""
    return _error_of(body).get("code") not in ("GATEWAY_ERROR", "SERVER_ERROR")


def _error_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    error = body.get("error")
    return error if isinstance(error, dict) else {}
