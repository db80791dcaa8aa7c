"""Errors of the Stripe SDK as refusals (https://docs.stripe.com/error-low-level)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal
from payment_service.domain.gateways import Failure, FailureKind
from payment_service.outbound.gateways.said_no import out_of_order, unavailable, unknown

log = logging.getLogger(__name__)


@contextmanager
def refusing() -> Iterator[None]:
    """Raises refusals in place of the SDK's errors. Its texts go no further: they may quote what was sent."""
    try:
        yield
    except stripe.StripeError as error:
        raise refusal_of(error) from None


def refusal_of(error: stripe.StripeError) -> Refusal:
    """Unavailable where nobody knows or repeating helps, else what is wrong with the request."""
    status = error.http_status or 0
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError) or status >= 500 or status in (0, 409, 424):
        return unavailable()
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        log.error("the gateway does not accept our key", extra={"status": status, "request_id": error.request_id})
        return out_of_order()
    code = error.code or type(error).__name__
    metadata = {"gateway_code": str(code), "gateway_request": error.request_id or ""}
    if code == "resource_missing":
        return unknown(metadata)
    if isinstance(error, stripe.InvalidRequestError):
        return InvalidArgument("GATEWAY_REFUSED", "The payment gateway refused the request.", metadata=metadata)
    return FailedPrecondition("GATEWAY_REFUSED", "The payment gateway refused the request.", metadata=metadata)


def is_definite(error: stripe.StripeError) -> bool:
    """Whether Stripe has understood and said no, so that nothing moved."""
    return isinstance(error, stripe.CardError) or type(error) is stripe.InvalidRequestError


def failure_of(error: stripe.StripeError) -> Failure:
    """Why Stripe said no. Its words are meant for the payer only when they come from the card's issuer."""
    code = str(error.code or "request_refused")
    if isinstance(error, stripe.CardError):
        return card_failure(code, error.user_message or "The card was declined.")
    return Failure(code, "The payment gateway did not accept this payment method.", FailureKind.REFUSED)


def card_failure(code: str, message: str) -> Failure:
    """A card that was not charged; `processing_error` is trouble of the networks, not a word of the payer's bank."""
    return Failure(code, message, FailureKind.GATEWAY if code == "processing_error" else FailureKind.DECLINED)
