"""What Stripe has on its books: the lines of its balance (https://docs.stripe.com/reports/balance-transaction-types)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Entry
from payment_service.outbound.gateways.stripe_errors import refusing

# Reporting categories, which are also the kinds of what a line is about. The others (fees of other services, payouts,
# money that came back) are of no single payment, or take back a line that is left out here: a refund that has failed, a
# dispute that was won.
KINDS = frozenset({"charge", "refund", "dispute"})


def of_metadata(metadata: Any, name: str) -> str:
    """What we wrote there; "" where we did not."""
    return str(metadata[name]) if metadata and name in metadata else ""


async def entries_of(balance: Any, can: Capabilities, since: datetime, until: datetime) -> Sequence[Entry]:
    """GET /v1/balance_transactions of that time with what each is about, oldest first.

    A charge that was taken in part has a line for all of it and one for the rest: its own sum is what was taken.
    """
    found: list[Entry] = []
    window = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    with refusing():
        page = await balance.list_async({"created": window, "limit": 100, "expand": ["data.source"]})
        async for each in page.auto_paging_iter():
            kind, about = each.reporting_category, each.source
            if kind in KINDS and getattr(about, "object", "") == kind and not _failed(about):
                found.append(_entry(kind, each, can))
    return sorted(found, key=lambda entry: (entry.time, entry.id))


def _entry(kind: str, line: Any, can: Capabilities) -> Entry:
    """In the currency that the payer paid in; the fee is in that of the account."""
    about, account = line.source, line.currency.upper()
    units = about.amount_captured if kind == "charge" else about.amount
    return Entry(
        id=about.id,
        kind=kind,
        reference=str(about.payment_intent or ""),
        key=of_metadata(getattr(about, "metadata", None), "order"),
        amount=can.money(units, about.currency.upper()),
        fee=can.money(line.fee, account) if account in can.currencies else Money(line.fee, account),
        time=datetime.fromtimestamp(line.created, UTC),
    )


def _failed(about: Any) -> bool:
    return getattr(about, "status", "") in ("failed", "canceled")
