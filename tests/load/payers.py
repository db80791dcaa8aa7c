"""Payers of one gateway after the other: what their hands do, how a round of them is measured, when all is done."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from measuring import Clients
from paying import SUCCEEDED
from sale import Sale, database_uri

from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from mongo_store import Database, open_database
from payment_service.outbound.bookkeeping import UNCHAINED
from payment_service.outbound.webhook_inbox import INBOX

ADYEN_CARD = (
    '{"paymentMethod": {"type": "scheme", "encryptedCardNumber": "sealed_visa", "encryptedExpiryMonth":'
    ' "test_03", "encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737", "holderName": "S. Hopper"}}'
)
MERCADO_PAGO_CARD = (
    '{"token": "card_token_APRO", "payment_method_id": "master", "installments": 1,'
    ' "payer": {"email": "payer@load.example"}}'
)
LOOK_SECONDS, PATIENCE_SECONDS = 0.1, 120.0


@dataclass(frozen=True, slots=True)
class Hands:
    """How a gateway is paid: with a token, with what its checkout answers to a form, or (neither) on its pay page."""

    gateway: str
    method: str
    currency: str = "USD"
    country: str = ""
    token: str = ""
    checkout: str = ""
    checkout_fields: tuple[str, ...] = ()
    checkout_form: Mapping[str, str] = field(default_factory=dict)

    @property
    def price(self) -> Mapping[str, Any]:
        """Of a ticket."""
        return {"currencyCode": self.currency, "units": "40"}

    def job(self) -> dict[str, Any]:
        """Its part of a job of paying.py."""
        query = {"preferredGateway": self.gateway, **({"payerCountry": self.country} if self.country else {})}
        return {
            "query": query, "payment": {"method": self.method}, "token": self.token, "checkout": self.checkout,
            "checkout_fields": self.checkout_fields, "checkout_form": self.checkout_form,
        }  # fmt: skip


STRIPE = Hands("stripe", "card", token="pm_card_visa")
ADYEN = Hands("adyen", "card", token=ADYEN_CARD)
HANDS: Sequence[Hands] = (
    STRIPE,
    ADYEN,
    Hands("alipay", "alipay_qr", "CNY", "CN"),
    Hands("mercadopago", "card", "BRL", "BR", token=MERCADO_PAGO_CARD),
    Hands("paypal", "paypal"),
    Hands(
        "razorpay", "upi", "INR", "IN", checkout="/razorpay/v1/payments/create/ajax",
        checkout_fields=("key_id", "order_id"), checkout_form={"method": "upi", "vpa": "success@razorpay"},
    ),
    Hands("square", "card", token="cnon:card-nonce-ok"),
    Hands("wechat", "wechat_pay_qr", "CNY", "CN"),
)  # fmt: skip


@dataclass(frozen=True)
class Paid:
    """A round of payments.

    latencies: microseconds from the wish to pay to SUCCEEDED, sorted. seconds: from the first call to the last answer;
    whole_seconds: until every webhook was applied, every entry chained and every booking told. cpu: seconds by process,
    until all was done that the payments set in motion.
    """

    gateway: str
    latencies: Sequence[int]
    seconds: float
    whole_seconds: float
    cpu: Mapping[str, float]

    @property
    def per_second(self) -> float:
        """The whole path."""
        return len(self.latencies) / self.whole_seconds


class Payers(Clients):
    """The payers' process. payments: name, state and booking of every payment that was answered."""

    program = Path(__file__).with_name("paying.py")

    def __init__(self, stack: Stack, tokens: Sequence[str]) -> None:
        super().__init__(stack, tokens)
        ports = stack.state().ports
        self._stack = stack
        self._places = {"gateway": f"{LOOPBACK}:{ports['gateway']}", "sandbox": f"{LOOPBACK}:{ports['sandbox']}"}
        self.payments: list[list[str]] = []

    def hold(self, sale: Sale, tokens: Sequence[str], count: int) -> list[list[str]]:
        """So many holds, as names for each token, whose buyer pays for them."""
        job = {"holds": count, "event": sale.event, "ticket_type": sale.ticket_type}
        told = self._tell(job, tokens)
        bookings: list[list[str]] = told["bookings"]
        if sum(map(len, bookings)) != count:
            raise LookupError(f"{sum(map(len, bookings))} holds of {count} of {sale.event}: {told['reasons']}")
        return bookings

    def pay(self, hands: Hands, tokens: Sequence[str], bookings: Sequence[Sequence[str]], seconds: float) -> Any:
        """All of them, or those that can be begun within so many seconds; what paying.py answers."""
        told = self._tell({**hands.job(), "bookings": bookings, "seconds": seconds}, tokens)
        self.payments += told["payments"]
        self.outcome.reasons.update(told["reasons"])
        self.outcome.unanswered += told["unanswered"]
        return told

    def round(self, hands: Hands, sale: Sale, clients: int, count: int, *, settle_seconds: float) -> Paid:
        """Holds first, which are not counted, then so many payments, and all that follows from them."""
        tokens = self.tokens(clients)
        bookings = self.hold(sale, tokens, count)
        self.settle(settle_seconds)
        began = time.monotonic()
        with self._spending() as cpu:
            told = self.pay(hands, tokens, bookings, PATIENCE_SECONDS)
            paid = [booking for _, state, booking in told["payments"] if state == SUCCEEDED]
            whole = asyncio.run(done(self._stack, hands.gateway, paid, began))
            self.settle(settle_seconds)
        passed = time.monotonic() - began
        spent = {name: max(0.0, each - passed * self._idle.get(name, 0.0)) for name, each in cpu.items()}
        return Paid(hands.gateway, sorted(told["latencies"]), told["elapsed"], whole, spent)

    def tokens(self, clients: int) -> list[str]:
        """So many, in turn."""
        return [self._tokens[number % len(self._tokens)] for number in range(clients)]

    def _tell(self, job: Mapping[str, Any], tokens: Sequence[str]) -> Any:
        return self._ask(
            {**self._places, **job, "tokens": list(tokens), "prefix": f"p{self._client.pid}.{next(self._numbers)}"}
        )


async def done(stack: Stack, gateway: str, bookings: Sequence[str], began: float) -> float:
    """Seconds since `began` when all webhooks of a gateway were applied, all entries chained, all bookings told.

    TimeoutError."""
    uri, end = database_uri(stack), time.monotonic() + PATIENCE_SECONDS
    sandbox = f"http://{LOOPBACK}:{stack.state().ports['sandbox']}/_sandbox/{gateway}/totals"
    async with open_database(uri, "usher_payment") as payment, open_database(uri, "usher_booking") as booking:
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() < end:
                if await _is_done(payment, booking, gateway, bookings):
                    reached = time.monotonic() - began
                    if not (await client.get(sandbox)).json()["webhooks"]["pending"]:
                        return reached
                await asyncio.sleep(LOOK_SECONDS)
            left = await _left(payment, booking, gateway, bookings)
    raise TimeoutError(f"{gateway}: not all is done after {PATIENCE_SECONDS:.0f} s: {left}")


async def _is_done(payment: Database, booking: Database, gateway: str, bookings: Sequence[str]) -> bool:
    """The cheap question first."""
    if await payment.collection(UNCHAINED).find_one({}):
        return False
    return not any((await _left(payment, booking, gateway, bookings)).values())


async def _left(payment: Database, booking: Database, gateway: str, bookings: Sequence[str]) -> Mapping[str, int]:
    confirmed = 0
    for start in range(0, len(bookings), 64):
        some = list(bookings[start : start + 64])
        found = booking.collection("bookings").find({"_id": {"$in": some}}, {"state": 1})
        confirmed += sum([each["state"] == "CONFIRMED" async for each in found])
    return {
        "bookings": len(bookings) - confirmed,
        "webhooks": await payment.collection(INBOX).count_documents({"open": True, "gateway": gateway}),
        "facts": await payment.collection(UNCHAINED).count_documents({}),
    }
