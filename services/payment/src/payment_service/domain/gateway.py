"""What the domain needs of a payment gateway: one port, and small ones for what not every gateway can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class Failure:
    """Why money did not move: the gateway's code, and its words for the payer."""

    code: str
    message: str


class IntentState(Enum):
    """Where an intent stands at the gateway. OPEN: it waits for a payment method or for a confirmation."""

    OPEN = "OPEN"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Intent:
    """The gateway's record of one payment.

    client_secret: lets the payer's browser finish it. failure: of the last attempt, while the intent is OPEN after it.
    trace: opaque; another one after every attempt that left something behind.
    """

    reference: str
    state: IntentState
    client_secret: str = ""
    next_action_uri: str = ""
    failure: Failure | None = None
    trace: str = ""


class Progress(Enum):
    """Where a refund stands at the gateway."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """The gateway's record of one refund; `reference` is empty where it refused to begin."""

    reference: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified webhook: its id at the gateway and the intent it is about, empty when it is about none."""

    id: str
    intent: str


class PaymentGateway(Protocol):
    """Who moves the money. Everything with a `key` may be repeated with it and happens once.

    All raise Unavailable when the outcome is unknown or nothing was done.
    """

    @property
    def name(self) -> str:
        """Such as "stripe"."""

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE for what the gateway cannot express."""

    async def create_intent(self, amount: Money, *, payment: str, booking: str, key: str) -> Intent:
        """A new intent for `amount`; the names are kept with it. InvalidArgument, FailedPrecondition."""

    async def confirm_intent(self, reference: str, method: str, *, key: str) -> Intent:
        """Try to take the money. A refusal of any kind is an OPEN intent with a failure."""

    async def retrieve_intent(self, reference: str) -> Intent:
        """As it is now; NotFound."""

    async def cancel_intent(self, reference: str, *, key: str) -> Intent:
        """Call it off, or as it is where that can no longer be done."""


class Refunds(Protocol):
    """A gateway that can pay back."""

    async def refund(self, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """Pay back part of an intent; `id` is the idempotency key and is kept with the refund."""

    async def refunds_of(self, reference: str) -> Mapping[str, GatewayRefund]:
        """Our id → what became of each refund of an intent."""


class Webhooks(Protocol):
    """A gateway that tells by itself."""

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """What a webhook says. Unauthenticated WEBHOOK_SIGNATURE_INVALID; InvalidArgument WEBHOOK_BODY_INVALID."""


class RefundingGateway(PaymentGateway, Refunds, Protocol):
    """What settling needs."""
