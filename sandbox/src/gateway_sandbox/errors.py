"""Errors in the shape Stripe answers them (https://docs.stripe.com/api/errors)."""

from collections.abc import Mapping
from typing import Any


class StripeError(Exception):
    """An answer other than 200: `status` is the HTTP code, `error` the object under "error" in the body.

    `kept` says whether the idempotency key remembers it: Stripe keeps what happened once an act had begun (a declined
    card), not what was refused before it began.
    """

    def __init__(self, status: int, kind: str, message: str, *, kept: bool = False, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.error = {
            "type": kind,
            "message": message,
            **{key: value for key, value in more.items() if value is not None},
        }


def invalid(message: str, *, param: str | None = None, code: str | None = None, **more: Any) -> StripeError:
    """400 invalid_request_error."""
    return StripeError(400, "invalid_request_error", message, param=param, code=code, **more)


def missing(what: str, identifier: str, *, param: str = "id", in_path: bool = True) -> StripeError:
    """No object of that id: 404 where the path named it, 400 where a parameter did."""
    message = f"No such {what}: '{identifier}'"
    return StripeError(404 if in_path else 400, "invalid_request_error", message, param=param, code="resource_missing")


def unauthorized(message: str) -> StripeError:
    """401: no key, or one that is not a secret test key."""
    return StripeError(401, "invalid_request_error", message)


def unexpected_state(verb: str, intent: Mapping[str, Any], allowed: tuple[str, ...]) -> StripeError:
    """400 payment_intent_unexpected_state with the payment intent inside."""
    return invalid(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be used: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        payment_intent=dict(intent),
    )
