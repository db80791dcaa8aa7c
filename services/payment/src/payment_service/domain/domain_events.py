"""Facts about a payment; the state after each is added when it is encoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentCreated:
    """Somebody is about to pay."""


@dataclass(frozen=True, slots=True)
class PaymentAttempted:
    """The gateway is asked to move the money."""


@dataclass(frozen=True, slots=True)
class PaymentActionRequired:
    """The payer has to do something at the gateway."""


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """The money was captured."""


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """An attempt was declined or lost."""


@dataclass(frozen=True, slots=True)
class PaymentCancelled:
    """It was called off before money moved."""


@dataclass(frozen=True, slots=True)
class PaymentRerouted:
    """An order that can never be paid any more has been followed by another, at the same or another gateway."""


@dataclass(frozen=True, slots=True)
class PaymentAuthorized:
    """The money is reserved, and can be captured."""


@dataclass(frozen=True, slots=True)
class PaymentAttemptCancelled:
    """An order that had not been paid was called off, because another one of the payment was."""


@dataclass(frozen=True, slots=True)
class PaymentDisputed:
    """The payer has asked the bank for the money back."""


@dataclass(frozen=True, slots=True)
class PaymentDisputeClosed:
    """The money stays with the organizer after all."""


@dataclass(frozen=True, slots=True)
class PaymentDisputeLost:
    """The payer's bank has decided for the payer: what was disputed is gone."""


@dataclass(frozen=True, slots=True)
class PaymentDisputeReversed:
    """A dispute that was lost is won after all: what it took is there again; `id` is the refund's that stood for it."""

    id: str


@dataclass(frozen=True, slots=True)
class PaymentDisputeUpdated:
    """There is news of a dispute that moves no money."""


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """Money is to be paid back; `id` is the refund's."""

    id: str


@dataclass(frozen=True, slots=True)
class RefundAccepted:
    """Who pays back has taken it on; how it ends is told later."""

    id: str


@dataclass(frozen=True, slots=True)
class RefundCompleted:
    """Money was paid back."""

    id: str


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """The gateway refused to pay back."""

    id: str
