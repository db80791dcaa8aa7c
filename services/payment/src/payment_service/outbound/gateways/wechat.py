"""WeChat Pay (API v3, https://pay.weixin.qq.com/doc/v3) through wechatpayv3, as WeChat has no SDK for Python.

credentials: "mchid", "appid", "private_key" and "cert_serial_no" (the merchant's certificate), "apiv3_key",
"public_key" and "public_key_id" (WeChat's), and "url" where it is not WeChat's own. Of "apiv3_key", and of "public_key"
with its "public_key_id", two may be live, with a comma between them: the first is worked with, a notification may use
either.

The payer scans a NATIVE code with the WeChat app. WeChat finds an order by our key, so the reference is the code, which
it does not tell again. A payer who gives up leaves no trace: the order stays open until it is paid or closed.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

from domain_kit.money import Money
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
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.said_no import reserves_nothing, unavailable, unknown
from payment_service.outbound.gateways.wechat_answers import GATEWAY, Answer, ask
from payment_service.outbound.gateways.wechat_bills import entries_of
from payment_service.outbound.gateways.wechat_callbacks import Callbacks

# REFUND: paid, and something of it went back. REVOKED and PAYERROR end an order as CLOSED does.
STATES = {
    "NOTPAY": IntentState.ACTION_REQUIRED,
    "USERPAYING": IntentState.ACTION_REQUIRED,
    "SUCCESS": IntentState.SUCCEEDED,
    "REFUND": IntentState.SUCCEEDED,
    "CLOSED": IntentState.CANCELLED,
    "REVOKED": IntentState.CANCELLED,
    "PAYERROR": IntentState.CANCELLED,
}
# ABNORMAL: the payer's bank did not take it, and the merchant has to settle it by hand.
PROGRESS = {"SUCCESS": Progress.SUCCEEDED, "CLOSED": Progress.FAILED, "ABNORMAL": Progress.FAILED}
DECLINED = Failure("PAYERROR", "The payment did not go through.")
LONGEST_DESCRIPTION = 127


class WeChatGateway:
    """PaymentGateway, Refunds, Webhooks and Reports."""

    name = GATEWAY
    keeps_tries = True
    acknowledgement = Acknowledgement(b'{"code":"SUCCESS"}')

    def __init__(self, client: Any, callbacks: Callbacks) -> None:
        self._client, self._callbacks = client, callbacks
        self._can = capabilities_of(self.name)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """POST /v3/pay/transactions/native. Asked again with the same order it gives the code again."""
        if not order.capture:
            raise reserves_nothing(self.name)
        answer = await ask(
            self._client.pay(
                description=(order.description or order.booking)[:LONGEST_DESCRIPTION],
                out_trade_no=order.key,
                amount={"total": self._can.gateway_units(order.amount), "currency": order.amount.currency},
                attach=order.payment,
            )
        )
        if answer.is_yes:
            return _waiting(answer.text("code_url"))
        known = await self._look(order)  # it may be a no because it has been paid or closed
        if known is None or STATES.get(known.text("trade_state")) is IntentState.ACTION_REQUIRED:
            raise answer.refusal()
        return self._intent(known, order.key)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """As it stands: the payer alone decides."""
        found = await self.find(order, reference)
        if found is None:
            raise unknown()
        return found

    async def find(self, order: Order, reference: str) -> Intent | None:
        """GET /v3/pay/transactions/out-trade-no/{key}."""
        known = await self._look(order)
        if known is None:
            return None
        intent = self._intent(known, reference or order.key)
        if intent.state is IntentState.ACTION_REQUIRED and intent.reference == order.key:
            return await self.begin(order)  # its code has been lost
        return intent

    async def cancel(self, order: Order, reference: str) -> Intent:
        """POST /v3/pay/transactions/out-trade-no/{key}/close."""
        closed = await ask(self._client.close(order.key))
        known = None if closed.status == 204 else await self._look(order)
        if known is None:
            return Intent(reference or order.key, IntentState.CANCELLED)
        return self._intent(known, reference or order.key)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:  # noqa: ARG002 our key is enough
        """POST /v3/refund/domestic/refunds; a definite no is a FAILED refund."""
        made = await ask(
            self._client.refund(
                out_refund_no=id,
                out_trade_no=order.key,
                amount={
                    "refund": self._can.refund_units(amount),
                    "total": self._can.refund_units(order.amount),
                    "currency": amount.currency,
                },
            )
        )
        return _refund(made) if made.is_yes else GatewayRefund("", Progress.FAILED)

    async def refunds_of(self, order: Order, reference: str, ids: Iterable[str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """GET /v3/refund/domestic/refunds/{id} for each."""
        found: dict[str, GatewayRefund] = {}
        for id in ids:
            answer = await ask(self._client.query_refund(id))
            if answer.is_yes:
                found[id] = _refund(answer)
            elif not answer.knows_nothing:
                raise answer.refusal()
        return found

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """See wechat_callbacks."""
        return self._callbacks.read(delivery, now)

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """See wechat_bills."""
        return await entries_of(self._client, self._can, since, until)

    async def _look(self, order: Order) -> Answer | None:
        answer = await ask(self._client.query(out_trade_no=order.key))
        if answer.is_yes:
            return answer
        if answer.knows_nothing:
            return None
        raise answer.refusal()

    def _intent(self, known: Answer, reference: str) -> Intent:
        """A state that is new to us counts as one that nobody can hurry."""
        told = known.text("trade_state")
        state = STATES.get(told, IntentState.PROCESSING)
        if state is IntentState.ACTION_REQUIRED:
            return _waiting(reference)
        return Intent(
            reference,
            state,
            captured=self._captured(known) if state is IntentState.SUCCEEDED else None,
            failure=DECLINED if told == "PAYERROR" else None,
            trace=str(known.body.get("transaction_id") or ""),
        )

    def _captured(self, known: Answer) -> Money:
        """What the order was about; a coupon of WeChat's own may have paid part of it."""
        match known.body.get("amount"):
            case {"total": int(total), "currency": str(currency)}:
                return self._can.money(total, currency)
        raise unavailable()


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[WeChatGateway]:
    """A gateway for as long as the context lasts; its connections are kept. The SDK never repeats anything.

    With WeChat's public key in hand the SDK fetches no certificates. timeout: seconds to connect and for each read.
    """
    ids, keys = (_parts(credentials[name]) for name in ("public_key_id", "public_key"))
    secrets = _parts(credentials["apiv3_key"])

    def client(id: str, key: str, secret: str) -> Any:
        return AsyncWeChatPay(
            WeChatPayType.NATIVE,
            mchid=credentials["mchid"],
            private_key=credentials["private_key"],
            cert_serial_no=credentials["cert_serial_no"],
            appid=credentials["appid"],
            apiv3_key=secret,
            notify_url=webhook_url,
            public_key=key,
            public_key_id=id,
        )

    readers = {id: [client(id, key, secret) for secret in secrets] for id, key in zip(ids, keys, strict=True)}
    first = readers[ids[0]][0]
    async with Connections(timeout) as connections:
        core: Any = vars(first)["_core"]  # the SDK has no other place for address and connections
        vars(core)["_client"] = connections
        if "url" in credentials:
            vars(core)["_gate_way"] = credentials["url"].rstrip("/")
        yield WeChatGateway(first, Callbacks(readers))


def _parts(credential: str) -> Sequence[str]:
    return [part.strip() for part in credential.split(",") if part.strip()]


def _waiting(code: str) -> Intent:
    """For a payer to scan the code."""
    return Intent(code, IntentState.ACTION_REQUIRED, action=Action(ActionKind.QR_CODE, code))


def _refund(known: Answer) -> GatewayRefund:
    return GatewayRefund(known.text("refund_id"), PROGRESS.get(known.text("status"), Progress.PENDING))
