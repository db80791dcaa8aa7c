"""Mercado Pago through its official SDK (API v1, https://www.mercadopago.com.br/developers/en/reference).

credentials: "access_token", "public_key" (for the payer's browser), "currency" (that of the account's country, such as
BRL: Mercado Pago asks for none and would take any amount in it), "webhook_secret" (one, or two with a comma between
them), and "url" where it is not Mercado Pago's own.

It hears of an order with the token only, so an order's reference is our key until it is confirmed, then the payment's
id. `Order.token` is the card's token, or the JSON of the Card Payment Brick: token, payment_method_id, issuer_id,
installments, payer.email, which Mercado Pago wants of everybody and a booking need not have. A challenge of 3-D
Secure wants `creq`, which is in `Intent.client`, posted to the action's address.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mercadopago
from mercadopago.config import RequestOptions
from mercadopago.webhook import InvalidWebhookSignatureError, WebhookSignatureValidator

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Refusal
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
from payment_service.outbound.gateways.mercadopago_objects import (
    card_of,
    entries_of,
    intent_of,
    number_of,
    refund_of,
    told_apart,
)
from payment_service.outbound.gateways.on_the_loop import run
from payment_service.outbound.gateways.said_no import bad_signature, too_old, unavailable

PAGE = 100
AGE = timedelta(minutes=5)
LAG = timedelta(minutes=2)  # how long a new payment may be missing in the search
SIGNATURE = re.compile(r"ts=([0-9]{1,16}),v1=[0-9a-f]{64}(,v[0-9]+=[0-9a-f]+)*")
MILLISECONDS = 10**11  # as seconds that is the year 5138
MADE = "payment.created"


class MercadoPagoGateway:
    """PaymentGateway, Captures, Refunds, Webhooks and Reports."""

    name = "mercadopago"
    acknowledgement = Acknowledgement()

    def __init__(self, sdk: Any, credentials: Mapping[str, str]) -> None:
        self._sdk = sdk
        self._secrets = tuple(credentials["webhook_secret"].split(","))
        self._currency, self._client = credentials["currency"], {"public_key": credentials["public_key"]}
        self._can = capabilities_of(self.name)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE, also for another currency than the account's."""
        self._can.gateway_units(amount)
        if amount.currency != self._currency:
            why = f"{amount} cannot be charged: this account takes {self._currency}."
            raise InvalidArgument.of("amount", why, reason="AMOUNT_NOT_CHARGEABLE")

    async def begin(self, order: Order) -> Intent:
        """Nothing is sent before there is a token."""
        self.check_amount(order.amount)
        return Intent(order.key, IntentState.OPEN, self._client)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """POST /v1/payments, unless there is one with our key."""
        found = await self._look(order, reference)
        if found is not None:
            return self._intent(found)
        self.check_amount(order.amount)
        payment = {
            "payer": {"email": order.buyer_email},
            **card_of(order.token),
            "transaction_amount": number_of(self._can.decimal_text(order.amount)),
            "capture": order.capture,
            "external_reference": order.key,
            "description": order.description[:255],
            "metadata": {"payment": order.payment, "booking": order.booking},
            "three_d_secure_mode": "optional",
        }
        try:
            return self._intent(await self._call(self._sdk.payment().create, payment, key=order.key))
        except (InvalidArgument, NotFound, FailedPrecondition) as refusal:
            code = refusal.metadata.get("gateway_code") or "refused"
            failure = Failure(code, "Mercado Pago did not accept this card.", FailureKind.REFUSED)
            return Intent(order.key, IntentState.OPEN, self._client, failure=failure)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v1/payments/{id}, or /v1/payments/search by our key.

        The search may miss what is new: then an order that may have been sent is Unavailable, not unknown.
        """
        found = await self._look(order, reference)
        if found is not None:
            return self._intent(found)
        if reference:
            return Intent(order.key, IntentState.OPEN, self._client)
        self._may_be_on_its_way(order)
        return None

    async def cancel(self, order: Order, reference: str) -> Intent:
        """PUT /v1/payments/{id}; of an order that was never sent there is nothing to call off."""
        found = await self._look(order, reference)
        if found is None:
            self._may_be_on_its_way(order)
            return Intent(order.key, IntentState.CANCELLED, self._client)
        before = self._intent(found)
        if before.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
            return before
        key, wanted = told_apart(order.key, "cancel"), {"status": "cancelled"}
        return await self._changed(self._sdk.payment().update, found["id"], wanted, key=key)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """PUT /v1/payments/{id} with all or a part."""
        part = number_of(self._can.refund_text(amount))
        key = told_apart(order.key, "capture")
        return await self._changed(self._sdk.payment().capture, reference, part, key=key)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:  # noqa: ARG002
        """POST /v1/payments/{id}/refunds; a definite no is a FAILED refund."""
        part = {"amount": number_of(self._can.refund_text(amount))}
        try:
            return refund_of(await self._call(self._sdk.refund().create, reference, part, key=id))
        except (InvalidArgument, NotFound, FailedPrecondition):
            return GatewayRefund("", Progress.FAILED)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """GET /v1/payments/{id}/refunds. Refunds carry nothing of ours, so those without a reference are left out."""
        made = await self._call(self._sdk.refund().list_all, reference)
        known = {str(each["id"]): refund_of(each) for each in made}
        return {id: known[reference] for id, reference in ids.items() if reference in known}

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """GET /v1/payments/search of what changed since then; payments carry their refunds."""
        asked = {
            "range": "date_last_updated",
            "begin_date": since.isoformat(timespec="milliseconds"),
            "end_date": "NOW",
            "sort": "date_created",
            "criteria": "asc",
            "limit": PAGE,
        }
        found: list[Any] = []
        while True:
            page = (await self._call(self._sdk.payment().search, {**asked, "offset": len(found)}))["results"]
            found += page
            if len(page) < PAGE:
                break
        lines = [line for payment in found for line in entries_of(payment, self._can) if since <= line.time < until]
        return sorted(lines, key=lambda line: (line.time, line.id))

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """One notification. Only `data.id` of the query, x-request-id and the time are signed, so no more is believed.

        Of the body is read whether the payment was made or changed: what was made, and is known here as paid, is not
        asked for again. Who could alter that on its way could keep the notification away as well.
        """
        signature = delivery.headers.get("x-signature", "")
        request = delivery.headers.get("x-request-id", "")
        thing = parse_qs(urlsplit(delivery.url).query).get("data.id", [""])[0]
        form = SIGNATURE.fullmatch(signature)
        if form is None or not any(_signed(signature, request, thing, secret) for secret in self._secrets):
            raise bad_signature()
        # Documented in milliseconds, seen in seconds, and the SDK's own check takes it for seconds.
        time = int(form[1]) / (1000 if int(form[1]) > MILLISECONDS else 1)
        if abs(now.timestamp() - time) > AGE.total_seconds():
            raise too_old()
        return [Notice(f"{request}:{thing}", reference=thing, paid=_action(delivery.body) == MADE)]

    async def _look(self, order: Order, reference: str) -> Mapping[str, Any] | None:
        """Of several the one that may move money; more than one there is only if a key was forgotten."""
        if reference not in ("", order.key):
            payment: Mapping[str, Any] = await self._call(self._sdk.payment().get, reference)
            return payment
        asked = {"external_reference": order.key, "sort": "date_created", "criteria": "desc", "limit": PAGE}
        found = (await self._call(self._sdk.payment().search, asked))["results"]
        alive = [each for each in found if each["status"] not in ("rejected", "cancelled")]
        return next(iter([*alive, *found]), None)

    def _may_be_on_its_way(self, order: Order) -> None:
        """Unavailable while the search may miss a payment that was asked for."""
        if order.token and datetime.now(UTC) - order.create_time < LAG:
            raise unavailable()

    async def _changed(self, act: Callable[..., Any], payment: Any, *args: Any, key: str) -> Intent:
        """After a no, which is what a repetition gets too, the payment itself tells where it stands."""
        refused: Refusal | None = None
        try:
            await self._call(act, payment, *args, key=key)
        except (InvalidArgument, FailedPrecondition) as refusal:
            refused = refusal
        stands = self._intent(await self._call(self._sdk.payment().get, payment))
        if refused is not None and stands.state is IntentState.AUTHORIZED:
            raise refused
        return stands

    async def _call(self, act: Callable[..., Any], *args: Any, key: str = "") -> Any:
        """The body of a 2xx answer."""
        # Of our own for each call: without one the SDK makes a key up, and it writes into the one that is shared.
        options = {"request_options": RequestOptions(custom_headers={"x-idempotency-key": key})} if key else {}
        with refusing(self.name, _code_of):
            return (await run(act, *args, **options))["response"]

    def _intent(self, payment: Mapping[str, Any]) -> Intent:
        return intent_of(payment, self._can, self._client)


class _Kept(mercadopago.http.HttpClient):  # type: ignore[misc]
    """The SDK's transport over kept connections, to another address where one is given."""

    def __init__(self, session: KeptSession, url: str) -> None:
        self._session, self._url = session, url.rstrip("/")

    def request(self, method: str, url: str, *_: Any, **options: Any) -> Mapping[str, Any]:
        """As the SDK's own, without its repetitions."""
        if self._url:
            url = self._url + urlsplit(url).path
        wanted = {name: value for name, value in options.items() if name in ("headers", "params", "data")}
        answer = self._session.request(method, url, **wanted)
        return {"status": answer.status_code, "response": answer.json() if answer.content else None}


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[MercadoPagoGateway]:
    """A gateway for as long as the context lasts. Where webhooks go is set in Mercado Pago's panel."""
    del webhook_url
    async with Connections(timeout) as connections:
        kept = _Kept(KeptSession(connections), credentials.get("url", ""))
        yield MercadoPagoGateway(mercadopago.SDK(credentials["access_token"], http_client=kept), credentials)


def _signed(signature: str, request: str, thing: str, secret: str) -> bool:
    try:
        WebhookSignatureValidator.validate(signature, request, thing, secret, tolerance_seconds=None)
    except (InvalidWebhookSignatureError, UnicodeError, TypeError):
        return False
    return True


def _action(body: bytes) -> str:
    """What a notification says of its payment; empty where it says nothing that can be read."""
    try:
        return str(json.loads(body)["action"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def _code_of(body: Mapping[str, Any]) -> str:
    causes = body.get("cause")
    first = causes[0] if isinstance(causes, list) and causes else {}
    return str((first.get("code") if isinstance(first, dict) else "") or body.get("error") or "")
