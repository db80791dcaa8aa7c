"""Lines of the merchant's balance (https://docs.stripe.com/api/balance_transactions)."""

from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network

# What is kept of a charge: basis points and a fixed part, as Stripe's public prices have it.
FEES = {"eur": (150, 25), "gbp": (150, 20)}
ELSE = (290, 30)
DISPUTE_FEE = 1500  # of one that was lost


def charged(network: Network, charge: Object, amount: int) -> str:
    """The line of a charge, and for one that is taken in part a second one for the rest; the id of the first."""
    points, fixed = FEES.get(charge["currency"], ELSE)
    taken = charge["amount_captured"]
    line = _line(network, "charge", "charge", charge, amount, (taken * points + 5000) // 10_000 + fixed)
    if amount > taken:
        _line(network, "refund", "partial_capture_reversal", charge, taken - amount, 0)
    return line


def refunded(network: Network, refund: Object) -> str:
    """The line of a refund."""
    return _line(network, "refund", "refund", refund, -refund["amount"], 0)


def refund_failed(network: Network, refund: Object) -> str:
    """The line that takes that back."""
    return _line(network, "refund_failure", "refund_failure", refund, refund["amount"], 0)


def disputed(network: Network, dispute: Object) -> str:
    """The line of a dispute as it stands: taken, given back when it was won, and a fee when it was lost."""
    if dispute["status"] == "lost":
        return _line(network, "stripe_fee", "fee", dispute, 0, DISPUTE_FEE)
    if dispute["status"] == "won":
        return _line(network, "adjustment", "dispute_reversal", dispute, dispute["amount"], 0)
    return _line(network, "adjustment", "dispute", dispute, -dispute["amount"], 0)


def with_source(network: Network, line: Object) -> Object:
    """A line with what it is about in place of its id, as `expand[]=data.source` asks."""
    kind = {"ch": "charge", "re": "refund", "dp": "dispute"}[line["source"].partition("_")[0]]
    return {**line, "source": network.find(kind, line["source"])}


def _line(network: Network, kind: str, category: str, about: Object, amount: int, fee: int) -> str:
    line: Object = {
        "id": new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": network.now(),
        "created": network.now(),
        "currency": about["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [],
        "net": amount - fee,
        "reporting_category": category,
        "source": about["id"],
        "status": "available",
        "type": kind,
    }
    network.ledger.save(line, parent=about["id"])
    return str(line["id"])
