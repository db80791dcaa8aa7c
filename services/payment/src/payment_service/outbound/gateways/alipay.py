"""Alipay (open API 1.0 with RSA2, https://opendocs.alipay.com/open) through python-alipay-sdk.

credentials: "app_id", "private_key" (the app's, PEM), "alipay_public_key" (PEM; two may be live, with a comma between
them), and "url", the address of gateway.do, where it is not Alipay's own.

The payer scans a code ("alipay_qr") or is sent to Alipay's page ("alipay"). Alipay knows a trade only once that was
done; until then it "does not exist", although it may still be paid. So each order ends two hours after it was first
sent: from then on "does not exist" means that it never will. Alipay finds an order by our key, so the reference is free
for the code. A payer who gives up leaves no trace: the order stays open until it is paid, closed, or over.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from domain_kit.money import Money
from payment_service.domain.gateways import (
    Acknowledgement,
    Action,
    ActionKind,
    Delivery,
    Entry,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Order,
    Progress,
)
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.alipay_books import entries_of
from payment_service.outbound.gateways.alipay_callbacks import read_notification
from payment_service.outbound.gateways.alipay_client import (
    GATEWAY,
    REFUSES_US,
    Answer,
    Client,
    NoAnswer,
    answer_of,
    china_text,
)
from payment_service.outbound.gateways.connections import Connections
from payment_service.outbound.gateways.on_the_loop import run
from payment_service.outbound.gateways.said_no import refuses_us, reserves_nothing, unavailable, unknown

# TRADE_FINISHED: paid so long ago that it cannot be refunded any more. TRADE_CLOSED may have been paid, see _closed.
STATES = {
    "WAIT_BUYER_PAY": IntentState.ACTION_REQUIRED,
    "TRADE_SUCCESS": IntentState.SUCCEEDED,
    "TRADE_FINISHED": IntentState.SUCCEEDED,
    "TRADE_CLOSED": IntentState.CANCELLED,
}
REDIRECT = "alipay"
LIFE = timedelta(hours=2)
CURRENCY = "CNY"
LONGEST_SUBJECT = 128  # Chinese characters


class AlipayGateway:
    """PaymentGateway, Refunds, Webhooks and Reports."""

    name = GATEWAY
    keeps_tries = True
    acknowledgement = Acknowledgement(b"success", "text/plain")

    def __init__(self, client: Client, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._now = client, now
        self._can = capabilities_of(self.name)

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        self._can.gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """alipay.trade.precreate, which gives a code again while it is not paid; or a signed address of Alipay's."""
        if not order.capture:
            raise reserves_nothing(self.name)
        asked: dict[str, Any] = {
            "subject": _subject(order),
            "out_trade_no": order.key,
            "total_amount": self._can.decimal_text(order.amount),
            "time_expire": china_text(order.create_time + LIFE),
        }
        if order.method == REDIRECT:
            address = self._client.page_url(return_url=order.return_uri, **asked)
            return _waiting(order.key, ActionKind.REDIRECT, address)
        answer = await self._ask(self._client.api_alipay_trade_precreate, **asked)
        if answer.is_yes:
            code = answer.text("qr_code")
            return _waiting(code, ActionKind.QR_CODE, code)
        known = await self._look(order)  # it may be a no because it has been paid or closed
        if known is None or STATES.get(known.text("trade_status")) is IntentState.ACTION_REQUIRED:
            raise answer.refusal()
        return await self._intent(order, known, order.key)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """As it stands: the payer alone decides."""
        found = await self.find(order, reference)
        if found is None:
            raise unknown()
        return found

    async def find(self, order: Order, reference: str) -> Intent | None:
        """alipay.trade.query by our key. Without a reference nobody has a code: what is unknown cannot be paid."""
        known = await self._look(order)
        if known is not None:
            return await self._intent(order, known, reference or order.key)
        if not reference:
            return None
        if self._now() > order.create_time + LIFE:
            return Intent(reference, IntentState.CANCELLED)
        return await self._still_waiting(order, reference)

    async def cancel(self, order: Order, reference: str) -> Intent:
        """alipay.trade.close; and alipay.trade.cancel of what Alipay does not know yet, so that its code is no good.

        The latter pays money back that came in just then: the order is called off all the same. Of an order whose code
        nobody has scanned Alipay keeps nothing, so that `find` calls it waiting until its end, although it cannot be
        paid. Nothing hangs on that: called off again it is the same, and a payment that was cancelled stays so. A page
        that was never opened is unknown to Alipay and could be paid until it ends; that money is late money.
        """
        called_off = Intent(reference or order.key, IntentState.CANCELLED)
        closed = await self._ask(self._client.api_alipay_trade_close, out_trade_no=order.key)
        if closed.is_yes:
            return called_off
        if closed.knows_nothing:
            undone = await self._ask(self._client.api_alipay_trade_cancel, out_trade_no=order.key)
            if undone.body.get("retry_flag") == "Y":
                raise unavailable()
            if undone.is_yes:
                return called_off
        return await self.find(order, reference) or called_off

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:  # noqa: ARG002
        """alipay.trade.refund; a definite no is a FAILED refund. "N" may be a repeat, or a bank that takes a while."""
        made = await self._ask(
            self._client.api_alipay_trade_refund, self._can.refund_text(amount), order.key, out_request_no=id
        )
        if not made.is_yes:
            return GatewayRefund("", Progress.FAILED)
        if made.body.get("fund_change") == "Y":
            return GatewayRefund(id, Progress.SUCCEEDED)
        arrived = await self._refund_arrived(order, id)
        return GatewayRefund(id, Progress.SUCCEEDED if arrived else Progress.PENDING)

    async def refunds_of(self, order: Order, reference: str, ids: Iterable[str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """alipay.trade.fastpay.refund.query for each. It tells of those that have arrived, and of no others."""
        return {id: GatewayRefund(id, Progress.SUCCEEDED) for id in ids if await self._refund_arrived(order, id)}

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """See alipay_callbacks."""
        return read_notification(self._client, self._client.appid, delivery, now)

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """See alipay_books."""

        async def ask(method: str, content: Mapping[str, str]) -> Mapping[str, Any]:
            page = await self._ask(self._client.server_api, method, dict(content))
            if not page.is_yes:
                raise page.refusal()
            return page.body

        return await entries_of(ask, self._amount, since, until)

    async def _ask(self, call: Callable[..., Mapping[str, Any]], *args: Any, **kwargs: Any) -> Answer:
        try:
            told = await run(call, *args, **kwargs)
        except NoAnswer as error:
            raise (refuses_us(self.name, error.code) if error.code in REFUSES_US else unavailable()) from None
        return answer_of(told)

    async def _look(self, order: Order) -> Answer | None:
        answer = await self._ask(self._client.api_alipay_trade_query, out_trade_no=order.key)
        if answer.is_yes:
            return answer
        if answer.knows_nothing:
            return None
        raise answer.refusal()

    async def _intent(self, order: Order, known: Answer, reference: str) -> Intent:
        """A state that is new to us counts as one that nobody can hurry."""
        state = STATES.get(known.text("trade_status"), IntentState.PROCESSING)
        if state is IntentState.ACTION_REQUIRED:
            return await self._still_waiting(order, reference)
        if state is IntentState.CANCELLED:
            state = await self._closed(order, known)
        captured = self._amount(known.text("total_amount")) if state is IntentState.SUCCEEDED else None
        return Intent(reference, state, captured=captured, trace=str(known.body.get("trade_no") or ""))

    async def _closed(self, order: Order, known: Answer) -> IntentState:
        """A closed trade was never paid, or all of it went back; and that because we called it off, or for its refunds.

        Money that alipay.trade.cancel gives back carries our number of the order, as any that is given no other.
        """
        if not known.body.get("send_pay_date"):
            return IntentState.CANCELLED
        undone = await self._refund_arrived(order, order.key)
        return IntentState.CANCELLED if undone else IntentState.SUCCEEDED

    async def _still_waiting(self, order: Order, reference: str) -> Intent:
        if order.method == REDIRECT or reference == order.key:
            return await self.begin(order)
        return _waiting(reference, ActionKind.QR_CODE, reference)

    async def _refund_arrived(self, order: Order, id: str) -> bool:
        found = await self._ask(
            self._client.api_alipay_trade_fastpay_refund_query, out_request_no=id, out_trade_no=order.key
        )
        if not found.is_yes and not found.knows_nothing:
            raise found.refusal()
        return found.body.get("refund_status") == "REFUND_SUCCESS"

    def _amount(self, text: str) -> Money:
        try:
            fen = Decimal(text).scaleb(2)
            if fen != fen.to_integral_value():
                raise unavailable()
            return self._can.money(int(fen), CURRENCY)
        except (InvalidOperation, ValueError, OverflowError):
            raise unavailable() from None


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str], *, timeout: float, webhook_url: str
) -> AsyncIterator[AlipayGateway]:
    """A gateway for as long as the context lasts; its connections are kept. The SDK never repeats anything.

    timeout: seconds to connect and for each read.
    """
    keys = [key.strip() for key in credentials["alipay_public_key"].split(",") if key.strip()]
    async with Connections(timeout) as connections:
        client = Client(
            credentials.get("url", ""),
            connections,
            app_id=credentials["app_id"],
            private_key=credentials["private_key"],
            public_keys=keys,
            notify_url=webhook_url,
        )
        yield AlipayGateway(client)


def _waiting(reference: str, kind: ActionKind, value: str) -> Intent:
    return Intent(reference, IntentState.ACTION_REQUIRED, action=Action(kind, value))


def _subject(order: Order) -> str:
    """What the payer reads. Alipay wants no special characters, and the SDK counts braces to find what is signed."""
    words = re.sub(r'[/=&{}"\\<>\x00-\x1f]+', " ", order.description).strip()
    return (words or order.key)[:LONGEST_SUBJECT]
