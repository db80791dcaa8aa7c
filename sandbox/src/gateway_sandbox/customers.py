"""Customers and what they keep for later (https://docs.stripe.com/payments/save-and-reuse)."""

import secrets

from gateway_sandbox import cards, charges
from gateway_sandbox import parameters as p
from gateway_sandbox.errors import StripeError, invalid
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network
from gateway_sandbox.parameters import Parameters

SETUP = (
    "customer", "payment_method", "confirm", "usage", "automatic_payment_methods", "return_url", "metadata",
    "description",
)  # fmt: skip


def create(network: Network, given: Parameters) -> Object:
    """POST /v1/customers."""
    p.only(given, ("metadata", "email", "name", "description"))
    customer: Object = {
        "id": new_id("cus_"),
        "object": "customer",
        "created": network.now(),
        "livemode": False,
        "metadata": p.metadata(given, {}),
    }
    network.ledger.save(customer)
    return customer


def set_up(network: Network, given: Parameters) -> Object:
    """POST /v1/setup_intents, confirmed at once: the card is checked and, once the bank has agreed, kept."""
    p.only(given, SETUP)
    customer = network.find("customer", p.required(given, "customer"), param="customer", in_path=False)
    if not p.flag(given, "confirm"):
        raise invalid("This sandbox sets up what is confirmed at once.", param="confirm")
    return_url = p.required(given, "return_url")
    method = charges.method_of(network, p.required(given, "payment_method"))
    intent: Object = {
        "id": new_id("seti_"),
        "object": "setup_intent",
        "client_secret": f"seti_secret_{secrets.token_hex(12)}",
        "created": network.now(),
        "customer": customer["id"],
        "livemode": False,
        "metadata": p.metadata(given, {}),
        "next_action": None,
        "payment_method": method,
        "status": "requires_action",
        "usage": p.choice(given, "usage", ("on_session", "off_session")) or "off_session",
    }
    card = charges.card_of(network, intent)
    if card.decline is not None:
        raise _declined(card.decline)
    if card.authentication:
        page = {"url": network.page_of(intent["id"]), "return_url": return_url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": page}
        network.ledger.save(intent)
    else:
        _kept(network, intent)
    if "payment_method" in dict(given.get("expand", {})).values():
        return {**intent, "payment_method": network.find("payment_method", method)}
    return intent


def authenticate(network: Network, intent: Object, passes: bool) -> Object:
    """The buyer's bank has asked the buyer."""
    if passes:
        _kept(network, intent)
    else:
        intent.update(status="requires_payment_method", next_action=None)
        network.ledger.save(intent)
    return intent


def detach(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/payment_methods/{id}/detach: never to be used again."""
    p.only(given, ())
    method = network.find("payment_method", identifier, param="payment_method")
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    method.update(customer=None, gone=True)
    network.ledger.save(method)
    return method


def check_use(network: Network, intent: Object) -> None:
    """A kept card is its customer's alone, and one that was let go is nobody's."""
    method = network.find("payment_method", intent["payment_method"])
    if method.get("gone"):
        raise invalid("The provided PaymentMethod was previously detached, and may not be used again.")
    if method["customer"] not in (None, intent["customer"]):
        raise invalid("The provided PaymentMethod belongs to another Customer, or the PaymentIntent has none.")


def _kept(network: Network, intent: Object) -> None:
    method = network.find("payment_method", intent["payment_method"])
    method["customer"] = intent["customer"]
    network.ledger.save(method)
    intent.update(status="succeeded", next_action=None)
    network.ledger.save(intent)


def _declined(decline: cards.Decline) -> StripeError:
    return StripeError(
        402, "card_error", decline.message, kept=True, code=decline.code, decline_code=decline.decline_code
    )
