"""Money: payments, gateways, refunds, webhooks, ledger."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.dashboards import rows
from monitoring_config.promql import grown, highest, or_calm, or_none, quantile, rate, share

SUCCEEDED, FAILED = 'outcome="succeeded"', 'outcome="failed"'
PAYMENTS, REFUNDS = "usher_payments_total", "usher_refunds_total"


def board() -> Board:
    """Of the payment service."""
    return Board(
        name="payments",
        title="Usher / Payments",
        text="Payments by gateway and outcome, what gateways answer, refunds, and whether the ledger adds up.",
        service="payment",
        sections=(_now(), _payments(), _gateways(), _books()),
    )


def _now() -> Section:
    return Section(
        "Now",
        (
            number("Succeeded", "In the time that is shown.", "short", or_none(grown(PAYMENTS, where=SUCCEEDED))),
            number(
                "Failed",
                "In the time that is shown; declined cards are most of them.",
                "short",
                or_none(grown(PAYMENTS, where=FAILED)),
                alert="UsherPaymentsFail",
            ),
            number(
                "Refunds",
                "Paid back in the time that is shown.",
                "short",
                or_none(grown(REFUNDS, where='outcome="completed"')),
            ),
            number(
                "Disputes",
                "Opened in the time that is shown.",
                "short",
                or_none(grown(PAYMENTS, where='outcome="disputed"')),
            ),
            number(
                "Wrong in the ledger",
                "What the last walk over all of it found.",
                "short",
                highest("usher_ledger_mismatches"),
                warn=1,
                alarm=1,
                alert="UsherLedgerMismatch",
            ),
            number(
                "Ledger walked",
                "How long ago all of it was checked last.",
                "s",
                f"time() - {highest('usher_ledger_verified_timestamp_seconds')}",
                warn=86_400,
                alarm=172_800,
                alert="UsherLedgerUnverified",
            ),
        ),
    )


def _payments() -> Section:
    ended = 'outcome=~"succeeded|failed"'
    return Section(
        "Payments",
        (
            areas(
                "By outcome",
                "An attempt that is declined may be followed by another one of the same payment.",
                "ops",
                {"{{outcome}}": rate(PAYMENTS, "outcome")},
            ),
            lines(
                "Failed",
                "Share of payments that failed, by gateway.",
                "percentunit",
                {"{{gateway}}": share(rate(PAYMENTS, "gateway", FAILED), rate(PAYMENTS, "gateway", ended))},
                alert="UsherPaymentsFail",
            ),
            lines(
                "Taken",
                "In minor units (cents) an hour, by currency.",
                "short",
                {"{{currency}}": f"3600 * {rate('usher_payments_captured_minor_units_total', 'currency')}"},
            ),
            lines("Refunds", "By outcome.", "ops", {"{{outcome}}": or_calm(rate(REFUNDS, "outcome"), "outcome")}),
            lines(
                "Webhooks",
                "Notices from gateways; refused: without a valid signature.",
                "ops",
                {"{{gateway}} {{outcome}}": rate("usher_webhooks_total", "gateway, outcome")},
            ),
            lines(
                "Paid and not confirmed",
                "Payments for which booking could give nothing; they are paid back.",
                "ops",
                {"unclaimed": or_none(rate("usher_payments_unclaimed_total", scope="EVERYWHERE"))},
                alert="UsherPaymentsUnclaimed",
            ),
        ),
    )


def _gateways() -> Section:
    tried = 'outcome=~"ok|failed|timed_out"'
    bad = 'outcome=~"failed|timed_out"'
    attempts = "usher_call_attempts_total"
    return Section(
        "Gateways",
        (
            *rows.dependencies(),
            lines(
                "Failing attempts",
                "Share of attempts that failed or took too long, by gateway.",
                "percentunit",
                {"{{dependency}}": share(rate(attempts, "dependency", bad), rate(attempts, "dependency", tried))},
                alert="UsherBreakerOpen",
            ),
            rows.bulkheads(),
            lines(
                "An rpc takes",
                "99 of 100 take no longer, by method.",
                "s",
                {"{{method}}": f"topk(5, {quantile(0.99, rows.SECONDS, 'method')})"},
            ),
        ),
    )


def _books() -> Section:
    return Section(
        "Books",
        (
            lines(
                "Facts not chained yet",
                "They wait for the next block of the ledger (counted up to 64).",
                "short",
                {"waiting": highest("usher_ledger_waiting")},
            ),
            lines(
                "Wrong in the ledger",
                "Broken links, wrong sums, wrong balances found by the last walk.",
                "short",
                {"found": highest("usher_ledger_mismatches")},
                alert="UsherLedgerMismatch",
            ),
            lines(
                "Invoices and payouts",
                "Issued and created, a second.",
                "ops",
                {
                    "invoices": rate("usher_invoices_total"),
                    "payouts": or_none(rate("usher_payouts_total")),
                },
            ),
        ),
    )
