"""Payment intents: created, confirmed, authenticated, captured, canceled (https://docs.stripe.com/payments/paymentintents/lifecycle)."""

import secrets
from typing import Any

from gateway_sandbox import cards, charges, customers
from gateway_sandbox import parameters as p
from gateway_sandbox.errors import invalid, unexpected_state
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network
from gateway_sandbox.parameters import Parameters

# Taken and shown again, without any effect here.
SHOWN = (
    "customer", "description", "on_behalf_of", "receipt_email", "setup_future_usage", "shipping",
    "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
    "payment_method_options", "application_fee_amount",
)  # fmt: skip
CONFIRMING = (
    "payment_method", "return_url", "off_session", "capture_method", "receipt_email", "setup_future_usage",
    "error_on_requires_action", "payment_method_options", "shipping", "use_stripe_sdk", "client_secret",
)  # fmt: skip
CREATING = (
    *SHOWN, *CONFIRMING, "amount", "currency", "confirm", "metadata", "automatic_payment_methods",
    "confirmation_method", "payment_method_types",
)  # fmt: skip
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(network: Network, given: Parameters) -> Object:
    """POST /v1/payment_intents."""
    p.only(given, CREATING)
    amount = p.integer(given, "amount")
    if amount is None:
        raise invalid("Missing required param: amount.", param="amount", code="parameter_missing")
    identifier = new_id("pi_")
    intent: Object = {
        "id": identifier,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": _automatic(given),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": p.choice(given, "capture_method", ("automatic", "automatic_async", "manual")) or "automatic",
        "client_secret": f"{identifier}_secret_{secrets.token_hex(12)}",
        "confirmation_method": p.choice(given, "confirmation_method", ("automatic", "manual")) or "automatic",
        "created": network.now(),
        "currency": _currency(given),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": p.metadata(given, {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_types": p.listed(given, "payment_method_types") or ["card"],
        "processing": None,
        "review": None,
        "source": None,
        "status": "requires_payment_method",
        **{name: given.get(name) for name in SHOWN},
    }
    _choose_method(network, intent, given)
    network.emit("payment_intent.created", intent)
    return _confirm(network, intent, given) if p.flag(given, "confirm") else _saved(network, intent)


def update(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/payment_intents/{id}: amount, currency, metadata and what is only shown."""
    p.only(given, (*SHOWN, "amount", "currency", "metadata", "payment_method"))
    intent = _in_state(network, identifier, "update", CONFIRMABLE)
    intent["amount"] = p.integer(given, "amount") or intent["amount"]
    intent["currency"] = _currency(given) if "currency" in given else intent["currency"]
    intent["metadata"] = p.metadata(given, intent["metadata"])
    intent.update({name: given[name] for name in SHOWN if name in given})
    _choose_method(network, intent, given)
    return _saved(network, intent)


def confirm(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/payment_intents/{id}/confirm; a declined card is a card_error, with the intent saved all the same."""
    p.only(given, CONFIRMING)
    intent = _in_state(network, identifier, "confirm", CONFIRMABLE)
    _choose_method(network, intent, given)
    return _confirm(network, intent, given)


def capture(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/payment_intents/{id}/capture: all or `amount_to_capture`, the rest is released."""
    p.only(given, ("amount_to_capture", "metadata", "statement_descriptor"))
    intent = _in_state(network, identifier, "capture", ("requires_capture",))
    amount = p.integer(given, "amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = f"The requested capture amount is greater than the authorized {intent['amount_capturable']}."
        raise invalid(message, param="amount_to_capture", code="amount_too_large")
    intent["metadata"] = p.metadata(given, intent["metadata"])
    charges.capture(network, intent, amount)
    return _succeeded(network, intent, amount)


def cancel(network: Network, identifier: str, given: Parameters) -> Object:
    """POST /v1/payment_intents/{id}/cancel: what was authorized is released."""
    p.only(given, ("cancellation_reason",))
    intent = _in_state(network, identifier, "cancel", CANCELABLE)
    reason = p.choice(given, "cancellation_reason", CANCELLATION_REASONS)
    if intent["status"] == "requires_capture":
        charges.release(network, intent)
    intent.update(
        status="canceled", canceled_at=network.now(), cancellation_reason=reason, amount_capturable=0, next_action=None
    )
    network.emit("payment_intent.canceled", intent)
    return _saved(network, intent)


def authenticate(network: Network, identifier: str, passes: bool) -> Object:
    """The buyer's bank has asked the buyer: what 3-D Secure ends with, in place of the buyer's browser."""
    intent = _in_state(network, identifier, "authenticate", ("requires_action",))
    card = charges.card_of(network, intent)
    decline = card.decline if passes else cards.NOT_AUTHENTICATED
    return _charged(network, intent, decline, raises=False)


def _confirm(network: Network, intent: Object, given: Parameters) -> Object:
    if intent["payment_method"] is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)
    methods, return_url = intent["automatic_payment_methods"], p.text(given, "return_url")
    if methods and methods["allow_redirects"] == "always" and not return_url:
        raise invalid(
            "Some payment methods of this PaymentIntent may redirect your customer off of your page: provide a "
            "`return_url`, or set `automatic_payment_methods[allow_redirects]` to `never`."
        )
    intent["capture_method"] = (
        p.choice(given, "capture_method", ("automatic", "automatic_async", "manual")) or intent["capture_method"]
    )
    customers.check_use(network, intent)
    card = charges.card_of(network, intent)
    if not card.authentication:
        return _charged(network, intent, card.decline)
    if p.flag(given, "off_session") or p.flag(given, "error_on_requires_action"):
        return _charged(network, intent, cards.NOT_AUTHENTICATED)
    if return_url:
        page = {"url": network.page_of(intent["id"]), "return_url": return_url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": page}
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent.update(status="requires_action", last_payment_error=None)
    network.emit("payment_intent.requires_action", intent)
    return _saved(network, intent)


def _charged(network: Network, intent: Object, decline: cards.Decline | None, *, raises: bool = True) -> Object:
    intent["next_action"] = None
    charge = charges.create(network, intent, decline)
    if decline is not None:
        error = charges.card_error(network, intent, charge, decline)
        intent.update(
            status="requires_payment_method",
            payment_method=None,
            latest_charge=charge["id"],
            last_payment_error=error.error,
        )
        network.emit("payment_intent.payment_failed", intent)
        _saved(network, intent)
        if raises:
            error.error = {**error.error, "payment_intent": intent}
            raise error
        return intent
    intent.update(latest_charge=charge["id"], last_payment_error=None)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        network.emit("payment_intent.amount_capturable_updated", intent)
        return _saved(network, intent)
    return _succeeded(network, intent, intent["amount"])


def _succeeded(network: Network, intent: Object, amount: int) -> Object:
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    network.emit("payment_intent.succeeded", intent)
    return _saved(network, intent)


def _choose_method(network: Network, intent: Object, given: Parameters) -> None:
    chosen = p.text(given, "payment_method")
    if chosen is None:
        return
    intent["payment_method"] = charges.method_of(network, chosen)
    intent["status"] = "requires_confirmation"


def _in_state(network: Network, identifier: str, verb: str, states: tuple[str, ...]) -> Object:
    intent = network.find("payment_intent", identifier, param="intent")
    if intent["status"] not in states:
        raise unexpected_state(verb, intent, states)
    return intent


def _saved(network: Network, intent: Object) -> Object:
    network.ledger.save(intent)
    return intent


def _automatic(given: Parameters) -> dict[str, Any] | None:
    if "payment_method_types" in given:
        return None
    chosen = given.get("automatic_payment_methods", {})
    p.only(chosen, ("enabled", "allow_redirects"))
    redirects = p.choice(chosen, "allow_redirects", ("always", "never")) or "always"
    return {"enabled": True, "allow_redirects": redirects}


def _currency(given: Parameters) -> str:
    code = p.required(given, "currency").lower()
    if len(code) != 3 or not code.isalpha():
        raise invalid(f"Invalid currency: {code}.", param="currency")
    return code
