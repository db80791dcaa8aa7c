"""What was taken and given back, counted for tests."""

from collections import Counter
from collections.abc import Mapping

from gateway_sandbox.ledger import Ledger

COUNTED = ("charges", "charged", "declined", "refunds", "refunded")


def totals(ledger: Ledger) -> Mapping[str, Counter[str]]:
    """Counts and minor units by currency."""
    currencies: dict[str, Counter[str]] = {}
    for charge in ledger.page("charge"):
        counts = currencies.setdefault(charge["currency"], Counter(dict.fromkeys(COUNTED, 0)))
        counts["charges"] += charge["captured"]
        counts["charged"] += charge["amount_captured"]
        counts["declined"] += charge["status"] == "failed"
    for refund in ledger.page("refund"):
        if refund["status"] != "failed":
            currencies[refund["currency"]]["refunds"] += 1
            currencies[refund["currency"]]["refunded"] += refund["amount"]
    return currencies
