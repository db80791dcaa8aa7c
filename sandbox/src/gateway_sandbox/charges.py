"""Charges: one attempt to take money from a card, and the payment methods they are made with."""

from gateway_sandbox import balance
from gateway_sandbox.cards import CARDS, Card, Decline
from gateway_sandbox.errors import StripeError, missing
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network


def method_of(network: Network, given: str) -> str:
    """A test name such as pm_card_visa becomes a payment method of its own; one that exists is used again."""
    card = CARDS.get(given)
    if card is None:
        if network.ledger.load("payment_method", given) is None:
            raise missing("PaymentMethod", given, param="payment_method", in_path=False)
        return given
    method: Object = {
        "id": new_id("pm_"),
        "object": "payment_method",
        "card": {"brand": card.brand, "last4": card.last4, "exp_month": 12, "exp_year": 2039, "country": "US"},
        "created": network.now(),
        "customer": None,
        "livemode": False,
        "metadata": {"sandbox_card": given},
        "type": "card",
    }
    network.ledger.save(method)
    return str(method["id"])


def card_of(network: Network, intent: Object) -> Card:
    """What is behind the intent's payment method."""
    method = network.find("payment_method", intent["payment_method"])
    return CARDS[method["metadata"]["sandbox_card"]]


def create(network: Network, intent: Object, decline: Decline | None) -> Object:
    """Try to take (or, for manual capture, to reserve) the intent's amount."""
    method = network.find("payment_method", intent["payment_method"])
    captured = decline is None and intent["capture_method"] != "manual"
    charge: Object = {
        "id": new_id("ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if captured else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": captured,
        "created": network.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {
            "network_status": "declined_by_network" if decline else "approved_by_network",
            "reason": decline.decline_code if decline else None,
            "type": "issuer_declined" if decline else "authorized",
        },
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": "card", "card": method["card"]},
        "refunded": False,
        "status": "failed" if decline else "succeeded",
    }
    if captured:
        charge["balance_transaction"] = balance.charged(network, charge, charge["amount"])
    network.ledger.save(charge, parent=intent["id"])
    network.emit("charge.failed" if decline else "charge.succeeded", charge)
    return charge


def capture(network: Network, intent: Object, amount: int) -> None:
    """Take `amount` of what was reserved."""
    charge = network.find("charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    charge["balance_transaction"] = balance.charged(network, charge, charge["amount"])
    network.ledger.save(charge)
    network.emit("charge.captured", charge)


def release(network: Network, intent: Object) -> None:
    """Give back what was reserved and never taken."""
    charge = network.find("charge", intent["latest_charge"])
    charge.update(refunded=True)
    network.ledger.save(charge)
    network.emit("charge.refunded", charge)


DECIDED = ("won", "lost")


def dispute(network: Network, intent: Object, status: str) -> Object:
    """The buyer asks the bank for the money back ("needs_response"), or the bank decides: "won" by the seller, "lost".

    A charge stays `disputed` whatever is decided. One that is lost costs the seller a fee, in the charge's currency.
    """
    charge = network.find("charge", intent["latest_charge"] or "")
    charge.update(disputed=True)
    network.ledger.save(charge)
    open_ones = [each for each in network.ledger.page("dispute", parent=intent["id"]) if each["status"] not in DECIDED]
    told: Object = open_ones[0] if open_ones else _new_dispute(network, charge)
    told["status"] = status
    balance.disputed(network, told)
    told["balance_transactions"] = network.ledger.page("balance_transaction", parent=told["id"])
    network.ledger.save(told, parent=intent["id"])
    network.emit("charge.dispute.closed" if status in DECIDED else "charge.dispute.created", told)
    return charge


def _new_dispute(network: Network, charge: Object) -> Object:
    return {
        "id": new_id("dp_"),
        "object": "dispute",
        "amount": charge["amount_captured"] - charge["amount_refunded"],
        "charge": charge["id"],
        "created": network.now(),
        "currency": charge["currency"],
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
    }


def card_error(network: Network, intent: Object, charge: Object, decline: Decline) -> StripeError:
    """402 card_error. It is kept: a repeat of the request is declined again without another charge."""
    method = network.find("payment_method", intent["payment_method"])
    return StripeError(
        402,
        "card_error",
        decline.message,
        kept=True,
        code=decline.code,
        decline_code=decline.decline_code,
        charge=charge["id"],
        payment_method=method,
    )
