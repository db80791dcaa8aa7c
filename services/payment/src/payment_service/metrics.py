"""What the payment service measures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from google.type.money_pb2 import Money

from payment_service.domain.verification import Audit
from resource_api import money_from_wire
from telemetry import Metrics, counter, families, gauge
from usher.payment.v1 import domain_events_pb2 as pb

GATEWAY = {"gateway": "`stripe`, `paypal`, …; `none` before one is chosen"}
CURRENCY = {"currency": "ISO 4217"}

PAYMENTS = counter(
    "payments",
    "Payments.",
    GATEWAY
    | {
        "outcome": "`created`, `attempted`, `action_required`, `authorized`, `succeeded`, `failed`, `cancelled`, "
        "`rerouted`, `attempt_cancelled`, `disputed`, `dispute_closed`, `dispute_lost` or `dispute_reversed`"
    },
)
CAPTURED = counter("payments_captured_minor_units", "Money taken, in minor units.", CURRENCY)
REFUNDS = counter(
    "refunds",
    "Refunds.",
    GATEWAY | {"outcome": "`requested`, `accepted`, `completed` or `failed`"},
    rare="once something was paid back",
)
REFUNDED = counter(
    "refunds_completed_minor_units",
    "Money paid back, in minor units.",
    CURRENCY,
    rare="once something was paid back",
)
INVOICES = counter("invoices", "Invoices and credit notes.", {"outcome": "`issued`"})
PAYOUTS = counter("payouts", "Payouts to organizers.", {"outcome": "`created`"}, rare="once there was a payout")
WEBHOOKS = counter(
    "webhooks",
    "Notices from gateways, kept before.",
    GATEWAY | {"outcome": "`applied` or `put_off` (tried again later)"},
)
LEDGER_WAITING = gauge("ledger_waiting", "Facts that wait for being chained, at most 1000. Of who holds the lease.")
LEDGER_MISMATCHES = gauge(
    "ledger_mismatches",
    "What the last walk over the whole ledger found wrong: broken links, wrong sums, balances. Of who holds the lease.",
)
LEDGER_VERIFIED = gauge(
    "ledger_verified_timestamp_seconds", "When the last walk over the ledger ended, in seconds since 1970; 0: never."
)

METRICS = (
    *families.EVERY_SERVICE,
    *families.PUBLISHES,
    *families.CONSUMES,
    *families.CALLS_SERVICES,
    *families.CALLS,
    *families.BULKHEADS,
    PAYMENTS,
    CAPTURED,
    REFUNDS,
    REFUNDED,
    INVOICES,
    PAYOUTS,
    WEBHOOKS,
    LEDGER_WAITING,
    LEDGER_MISMATCHES,
    LEDGER_VERIFIED,
)

OF_PAYMENT: Mapping[str, Any] = {
    "created": pb.PaymentCreated,
    "attempted": pb.PaymentAttempted,
    "action_required": pb.PaymentActionRequired,
    "authorized": pb.PaymentAuthorized,
    "succeeded": pb.PaymentSucceeded,
    "failed": pb.PaymentFailed,
    "cancelled": pb.PaymentCancelled,
    "rerouted": pb.PaymentRerouted,
    "attempt_cancelled": pb.PaymentAttemptCancelled,
    "disputed": pb.PaymentDisputed,
    "dispute_closed": pb.PaymentDisputeClosed,
    "dispute_lost": pb.PaymentDisputeLost,
    "dispute_reversed": pb.PaymentDisputeReversed,
}
OF_REFUND: Mapping[str, Any] = {
    "requested": pb.RefundRequested,
    "accepted": pb.RefundAccepted,
    "completed": pb.RefundCompleted,
    "failed": pb.RefundFailed,
}


def count_business(metrics: Metrics) -> None:
    """What became of money, counted from the domain events of this process."""
    payments, captured = metrics.counter(PAYMENTS), metrics.counter(CAPTURED)
    refunds, refunded = metrics.counter(REFUNDS), metrics.counter(REFUNDED)

    def of_payment(outcome: str, payload: bytes) -> None:
        payment = OF_PAYMENT[outcome].FromString(payload).payment
        payments.labels(payment.gateway or "none", outcome).inc()
        if outcome == "succeeded":
            _add(captured.labels, payment.amount)

    def of_refund(outcome: str, payload: bytes) -> None:
        event = OF_REFUND[outcome].FromString(payload)
        refunds.labels(event.payment.gateway or "none", outcome).inc()
        if outcome == "completed":
            _add(refunded.labels, event.refund.amount)

    for outcome, kind in OF_PAYMENT.items():
        metrics.domain_events.read(kind.DESCRIPTOR.full_name, partial(of_payment, outcome))
    for outcome, refund in OF_REFUND.items():
        metrics.domain_events.read(refund.DESCRIPTOR.full_name, partial(of_refund, outcome))
    metrics.domain_events.outcomes({INVOICES: {"issued": pb.InvoiceIssued}, PAYOUTS: {"created": pb.PayoutCreated}})


def _add(labels: Callable[[str], Any], amount: Money) -> None:
    money = money_from_wire(amount)
    labels(money.currency).inc(money.minor_units)


class NoticeMetrics:
    """Webhooks that were kept."""

    def __init__(self, metrics: Metrics) -> None:
        self._notices = metrics.counter(WEBHOOKS)

    @contextmanager
    def applying(self, gateway: str) -> Iterator[None]:
        """Counts how the block ends."""
        outcome = "put_off"
        try:
            yield
            outcome = "applied"
        finally:
            self._notices.labels(gateway, outcome).inc()


def ledger_figures(metrics: Metrics) -> Callable[[Audit, int], None]:
    """What is told of the ledger: a look at it, and how much is wrong with it as far as is known."""
    waiting, mismatches = metrics.gauge(LEDGER_WAITING), metrics.gauge(LEDGER_MISMATCHES)
    verified = metrics.gauge(LEDGER_VERIFIED)

    def told(audit: Audit, wrong: int) -> None:
        waiting.set(audit.waiting)
        mismatches.set(wrong)
        if audit.walked:
            verified.set_to_current_time()

    return told
