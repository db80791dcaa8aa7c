"""One attempt to be paid: an order at a gateway, and why it is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from payment_service.domain.gateways import Action, Failure, FailureKind, Intent, IntentState, MethodKind
from payment_service.domain.routing import Candidate

# How many of the ways to pay are kept with an attempt; each domain event of a payment carries them.
MOST_ROUTES = 8


class Standing(Enum):
    """OPEN: it may still be paid. PAID: its money came. CLOSED: nothing was taken for it, and nothing will be."""

    OPEN = "OPEN"
    PAID = "PAID"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Attempt:
    """number: from 1. key: 32 hex digits of its own. former: what else it is or was known by. client, action: what the
    payer needs, see gateways.Intent.

    tries: how often we asked the gateway to take the money; confirm_time: last. trace: what is known of it at the
    gateway. route: the ways to pay that were there when it was begun, best first, with reasons.
    """

    number: int
    gateway: str
    method: str
    kind: MethodKind
    key: str
    begin_time: datetime
    reference: str = ""
    former: tuple[str, ...] = ()
    client: Mapping[str, str] = field(default_factory=dict)
    action: Action | None = None
    failure: Failure | None = None
    trace: str = ""
    tries: int = 0
    confirm_time: datetime | None = None
    standing: Standing = Standing.OPEN
    route: tuple[Candidate, ...] = ()

    def heard(self, intent: Intent) -> "Attempt":
        """After what the gateway says of it for sure."""
        standing = self.standing
        if intent.state is IntentState.SUCCEEDED:
            standing = Standing.PAID
        elif intent.state is IntentState.CANCELLED and standing is Standing.OPEN:
            standing = Standing.CLOSED
        reference = intent.reference or self.reference
        names = dict.fromkeys([*self.former, self.reference, *intent.also])  # in this order
        over = intent.state in (IntentState.OPEN, IntentState.CANCELLED)
        return replace(
            self,
            reference=reference,
            former=tuple(each for each in names if each not in ("", reference)),
            client={**self.client, **intent.client},
            action=intent.action if intent.state is IntentState.ACTION_REQUIRED else None,
            failure=intent.failure if over else None,
            trace=intent.trace,
            standing=standing,
        )

    def is_over(self, intent: Intent) -> bool:
        """Whether nothing was taken for it and nothing can be any more, by what calling it off was answered.

        An order that only we can have paid, with a token, and that was refused cannot be paid but by us either.
        """
        refused = intent.state is IntentState.OPEN and intent.failure is not None and self.kind is MethodKind.TOKEN
        return intent.state is IntentState.CANCELLED or refused


def begun_attempt(
    number: int, key: str, intent: Intent, candidate: Candidate, route: tuple[Candidate, ...], now: datetime
) -> Attempt:
    """An order that the gateway of the candidate has taken."""
    return Attempt(
        number, candidate.gateway, candidate.method, candidate.kind, key, now,
        reference=intent.reference, client=dict(intent.client), action=intent.action, trace=intent.trace,
        route=route[:MOST_ROUTES],
    )  # fmt: skip


OUT_OF_ORDER = Failure(
    "gateway_unavailable", "The payment gateway is out of order; nothing was charged.", FailureKind.GATEWAY
)
