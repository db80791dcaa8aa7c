"""What payment needs of a gateway, whoever it is: one port for taking money, and small ones for what not each can do.

An *order* is one attempt to be paid, at one gateway. It has a key of its own, under which everything about it happens
once, however often it is asked for; an attempt after it, at this or another gateway, is another order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, runtime_checkable

from domain_kit.money import Money


class MethodKind(Enum):
    """How the payer takes part.

    TOKEN: the payer's browser gets a token from the gateway, we confirm with it. REDIRECT: the payer agrees on the
    gateway's page. QR_CODE: the payer scans a code with the gateway's app. INSTRUCTIONS: the payer is told what to do,
    and somebody tells us that the money came.
    """

    TOKEN = "TOKEN"
    REDIRECT = "REDIRECT"
    QR_CODE = "QR_CODE"
    INSTRUCTIONS = "INSTRUCTIONS"


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt. key: 32 hex digits (the shortest that every gateway takes as its own reference and idempotency key).

    method: name in the gateway's capability file, such as "card". token: what the payer's browser got from the gateway,
    empty until it has; never a card number. return_uri: where the payer comes back to. capture: False: only reserve.
    keeper: the gateway's name for the payer, where the token is of a method that it keeps for them.
    create_time: when it was first sent, for gateways that find things by time; once it was confirmed with a token, when
    that was last, for what may still be on its way. tries: how often it was confirmed, with
    this time, at gateways that keep the tries of one order apart.
    """

    key: str
    payment: str
    booking: str
    amount: Money
    method: str
    description: str
    return_uri: str
    create_time: datetime
    token: str = ""
    buyer_country: str = ""
    buyer_email: str = ""
    capture: bool = True
    tries: int = 1
    keeper: str = ""


class FailureKind(Enum):
    """DECLINED: the payer or the payer's bank said no. REFUSED: the gateway cannot take this token or this order.

    GATEWAY: the gateway's own trouble, so that another may be asked.
    """

    DECLINED = "DECLINED"
    REFUSED = "REFUSED"
    GATEWAY = "GATEWAY"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why money did not move: the gateway's code, and words for the payer."""

    code: str
    message: str
    kind: FailureKind = FailureKind.DECLINED


class IntentState(Enum):
    """Where an order stands at the gateway.

    OPEN: it waits for a token. ACTION_REQUIRED: for the payer, see `action`. APPROVED: the payer has agreed, and
    `confirm` takes the money. AUTHORIZED: reserved, and `capture` takes it. CANCELLED: it can never be paid.
    """

    OPEN = "OPEN"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    APPROVED = "APPROVED"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


class ActionKind(Enum):
    """REDIRECT: open `value` (3-D Secure among it). QR_CODE: show `value` as a code. INSTRUCTIONS: show `value`."""

    REDIRECT = "REDIRECT"
    QR_CODE = "QR_CODE"
    INSTRUCTIONS = "INSTRUCTIONS"


@dataclass(frozen=True, slots=True)
class Action:
    """What the payer has to do next."""

    kind: ActionKind
    value: str


@dataclass(frozen=True, slots=True)
class Intent:
    """The gateway's record of one order.

    reference: the gateway's id of it, or what it can be found by; may become another with `confirm`. client: what the
    payer's browser needs to get a token (public keys, a client secret), by the gateway's own names. failure: of the
    last attempt, while the order is OPEN or CANCELLED after it. captured: what was taken, in SUCCEEDED. trace: opaque;
    another one after every attempt that left something behind at the gateway. disputed: the payer's bank has it back,
    undecided, or (`lost`) decided so; None: this says nothing of disputes. disputed_amount, dispute_fee: how much that
    has taken, and what it has cost, where the gateway says so. dispute: the gateway's id of it, where its words of one
    may come in any order; dispute_stage: how far along such a word is, more for every later one of the same dispute.
    also: what else the gateway may call an order by that has come in, as it says when it is asked.
    """

    reference: str
    state: IntentState
    client: Mapping[str, str] = field(default_factory=dict)
    action: Action | None = None
    failure: Failure | None = None
    captured: Money | None = None
    disputed: bool | None = None
    lost: bool = False
    disputed_amount: Money | None = None
    dispute_fee: Money | None = None
    dispute: str = ""
    dispute_stage: int = 0
    trace: str = ""
    also: tuple[str, ...] = ()


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


class PaymentGateway(Protocol):
    """Who moves the money. All raise Unavailable when the outcome is unknown or nothing was done.

    None keeps the event loop from others while it waits, also where its SDK would block. Errors carry no text of the
    gateway that may quote what was sent.
    """

    @property
    def name(self) -> str:
        """Such as "stripe"; that of its capability file."""

    @property
    def keeps_tries(self) -> bool:
        """Whether one order may be confirmed again after a refusal, with `tries` one more; else it needs another."""

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE for what the gateway cannot express or does not take."""

    async def begin(self, order: Order) -> Intent:
        """Tell the gateway of it, where it wants to know before there is a token; else just say what the browser needs.

        InvalidArgument or FailedPrecondition GATEWAY_REFUSED when it is refused for what it is.
        """

    async def confirm(self, order: Order, reference: str) -> Intent:
        """Try to take (or reserve) the money: with `order.token`, or after the payer has APPROVED.

        A refusal of any kind is an OPEN or CANCELLED intent with a failure. Repeating it with the same order happens
        once; another token needs another order unless the gateway itself keeps attempts of one intent apart.
        """

    async def find(self, order: Order, reference: str) -> Intent | None:
        """As it stands now. reference "": the answer to `begin` or `confirm` was lost, so by the order's key.

        None: the gateway knows nothing of it, so nothing was charged.
        """

    async def cancel(self, order: Order, reference: str) -> Intent:
        """Call it off, so that it can never be paid any more; or as it is where that can no longer be done."""


class Captures(Protocol):
    """A gateway that can reserve money and take it later."""

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """Take all or part of what is reserved, once; the rest is let go."""


class Refunds(Protocol):
    """A gateway that can pay back."""

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """Pay back all or part; `id` (32 hex digits) is the idempotency key and is kept with the refund."""

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:
        """What became of those of our refunds that the gateway knows and can be asked for, by our id.

        ids: our id → `GatewayRefund.reference`, "" where it is not known (yet). Gateways that tell what became of a
        refund by webhook alone say so in a `Notice`.
        """


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it came in: header names in lower case; `url` as the gateway has called it, with its query."""

    body: bytes
    headers: Mapping[str, str]
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified webhook: its id at the gateway, and the order it is about by our key or by the gateway's reference.

    Both are empty when it is about none. Money is never moved on its word: it says which order to look at.

    refunds (by our id) and intent say what became of them, where the gateway cannot be asked and its signed word is all
    there is; both may come late and out of order. A refund is also known by the gateway's own reference of it, whatever
    the id. In `intent` AUTHORIZED says that the bank has agreed, after which an order with `capture` is taken without
    another word; of a dispute it also counts where the order is found paid and nothing of disputes is. paid: it says
    that the order was agreed to or paid and nothing else, so that nobody need be asked where the payment is known.
    """

    id: str
    key: str = ""
    reference: str = ""
    refunds: Mapping[str, GatewayRefund] = field(default_factory=dict)
    intent: Intent | None = None
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the gateway wants to hear before it stops sending."""

    body: bytes = b"{}"
    content_type: str = "application/json"


class Webhooks(Protocol):
    """A gateway that tells by itself."""

    acknowledgement: Acknowledgement

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """What it says. Unauthenticated WEBHOOK_SIGNATURE_INVALID (altered, unsigned), WEBHOOK_TOO_OLD (also from too
        far in the future, where the gateway signs a time); InvalidArgument WEBHOOK_BODY_INVALID.

        Any of two live secrets may have signed it.
        """


@runtime_checkable
class FetchingWebhooks(Webhooks, Protocol):
    """Webhooks signed with a key that may have to be fetched first, so that `read` is no call for an event loop."""

    async def read_apart(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """`read`, in a thread where it has to wait. Unavailable where the key cannot be had now, or too many wait."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a gateway's own account: money taken, paid back or disputed, and what the gateway kept of it."""

    id: str
    kind: str  # "charge", "refund" or "dispute"
    reference: str
    key: str
    amount: Money
    fee: Money
    time: datetime


class Reports(Protocol):
    """A gateway that can say what it has on its books."""

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """All lines of that time, oldest first."""


class RefundingGateway(PaymentGateway, Refunds, Protocol):
    """What settling needs."""
