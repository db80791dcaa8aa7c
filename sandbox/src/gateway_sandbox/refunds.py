"""Refunds: all or part of a charge given back, at once or after a while."""

from gateway_sandbox import balance, charges
from gateway_sandbox import parameters as p
from gateway_sandbox.errors import StripeError, invalid
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network
from gateway_sandbox.parameters import Parameters

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(network: Network, given: Parameters) -> Object:
    """POST /v1/refunds for a `payment_intent` or a `charge`; without `amount` all that is left."""
    p.only(given, ("payment_intent", "charge", "amount", "reason", "metadata", "instructions_email"))
    charge = _charge(network, given)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["refunded"] or left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = p.integer(given, "amount") or left
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    pending = charges.card_of(network, charge).refunds != "succeeded"
    refund: Object = {
        "id": new_id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": network.now(),
        "currency": charge["currency"],
        "destination_details": {"type": "card", "card": {"reference_status": "pending", "type": "refund"}},
        "failure_reason": None,
        "metadata": p.metadata(given, {}),
        "payment_intent": charge["payment_intent"],
        "reason": p.choice(given, "reason", REASONS),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = balance.refunded(network, refund)
    network.ledger.save(refund, parent=charge["payment_intent"])
    network.emit("refund.created", refund)
    _give_back(network, charge, amount)
    network.emit("charge.refunded", charge)
    if not pending:
        network.emit("refund.updated", refund)
    return refund


def update(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/refunds/{id}: metadata only."""
    p.only(given, ("metadata",))
    refund = network.find("refund", identifier, param="refund")
    refund["metadata"] = p.metadata(given, refund["metadata"])
    network.ledger.save(refund)
    network.emit("refund.updated", refund)
    return refund


def settle(network: Network, identifier: str, succeeds: bool) -> Object:
    """A pending refund ends; a failed one puts the money back on the charge."""
    refund = network.find("refund", identifier, param="refund")
    if refund["status"] != "pending":
        raise invalid(f"Refund {identifier} is {refund['status']}.")
    refund["status"] = "succeeded" if succeeds else "failed"
    if not succeeds:
        refund["failure_reason"] = "expired_or_canceled_card"
        refund["failure_balance_transaction"] = balance.refund_failed(network, refund)
        _give_back(network, network.find("charge", refund["charge"]), -refund["amount"])
    network.ledger.save(refund)
    network.emit("refund.updated", refund)
    if not succeeds:
        network.emit("refund.failed", refund)
    return refund


def settle_due(network: Network, older_than: float) -> None:
    """End each pending refund made at least `older_than` seconds ago the way its card says."""
    for refund in network.ledger.pending_refunds():
        if refund["created"] + older_than <= network.now():
            card = charges.card_of(network, network.find("charge", refund["charge"]))
            settle(network, refund["id"], card.refunds != "failed")


def _give_back(network: Network, charge: Object, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    network.ledger.save(charge)


def _charge(network: Network, given: Parameters) -> Object:
    charge_id, intent_id = p.text(given, "charge"), p.text(given, "payment_intent")
    if intent_id is None and charge_id is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(message, param="payment_intent", code="parameter_missing")
    if intent_id is not None:
        intent = network.find("payment_intent", intent_id, param="payment_intent", in_path=False)
        charge_id = intent["latest_charge"]
        if charge_id is None:
            raise _nothing_taken(intent_id)
    charge = network.find("charge", charge_id or "", param="charge", in_path=False)
    if not charge["captured"]:
        raise _nothing_taken(charge["payment_intent"])
    return charge


def _nothing_taken(intent: str) -> StripeError:
    return invalid(
        f"This PaymentIntent ({intent}) does not have a successful charge to refund.", param="payment_intent"
    )
