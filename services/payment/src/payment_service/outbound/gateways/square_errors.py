"""Errors of Square's SDK as refusals (https://developer.squareup.com/docs/build-basics/handling-errors)."""

import logging
import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from square.core.api_error import ApiError

from domain_kit.refusals import InvalidArgument, Refusal
from payment_service.domain.gateways import Failure, FailureKind
from payment_service.outbound.gateways.connections import NoAnswer
from payment_service.outbound.gateways.said_no import out_of_order, unavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

# What the payer can do something about, in our words: Square's may quote what was sent.
WORDS = {
    "INSUFFICIENT_FUNDS": "The card has insufficient funds.",
    "CVV_FAILURE": "The card's security code is not right.",
    "ADDRESS_VERIFICATION_FAILURE": "The postal code does not belong to the card.",
    "INVALID_POSTAL_CODE": "The postal code does not belong to the card.",
    "INVALID_EXPIRATION": "The card's expiry date is not right.",
    "CARD_EXPIRED": "The card has expired.",
    "CARD_DECLINED_VERIFICATION_REQUIRED": "The bank asks for a verification of the card. Please enter it again.",
    "CARD_DECLINED_CALL_ISSUER": "The card was declined. Please ask your bank.",
    "CARD_NOT_SUPPORTED": "This card is not supported.",
    "TRANSACTION_LIMIT": "The amount is above the card's limit.",
}
# The token is of no use, but the payer's bank has not said no.
TOKEN_REFUSED = frozenset({
    "CARD_TOKEN_EXPIRED", "CARD_TOKEN_USED", "SOURCE_EXPIRED", "SOURCE_USED", "NOT_FOUND", "IDEMPOTENCY_KEY_REUSED",
    "UNSUPPORTED_SOURCE_TYPE", "UNSUPPORTED_INSTRUMENT_TYPE", "INVALID_CARD_DATA",
})  # fmt: skip
# Square or the merchant's account is in trouble, so that another gateway may do it.
SQUARES_OWN = frozenset({"CARD_PROCESSING_NOT_ENABLED", "PAYMENT_LIMIT_EXCEEDED", "TEMPORARY_ERROR"})
REUSED = "IDEMPOTENCY_KEY_REUSED"


class No(InvalidArgument):
    """Square has understood and said no, so that nothing moved. `gateway_code` is that of its first error."""

    def __init__(self, gateway_code: str, category: str) -> None:
        super().__init__(
            "GATEWAY_REFUSED", "The payment gateway refused the request.", metadata={"gateway_code": gateway_code}
        )
        self.gateway_code = gateway_code
        self.failure = failure(gateway_code, category)


async def answered(call: Awaitable[T]) -> T:
    """What the SDK gives. No, or Unavailable where nobody knows or repeating helps; no text of Square goes further."""
    try:
        return await call
    except ApiError as error:
        raise refusal_of(error) from None
    except NoAnswer:
        raise unavailable() from None


def refusal_of(error: ApiError) -> Refusal:
    """No where it is definite."""
    status, first = error.status_code or 0, error.errors[0]
    code = code_of(first.code)
    if status in (401, 403):
        log.error("the gateway does not accept our key", extra={"gateway": "square", "status": status, "code": code})
        return out_of_order()
    if not 400 <= status < 500 or status in (408, 409, 429) or code in ("RATE_LIMITED", "REFUND_ALREADY_PENDING"):
        return unavailable()
    return No(code, str(first.category))


def code_of(given: Any) -> str:
    """A code that may be shown; whatever else stands there may not."""
    return given if isinstance(given, str) and re.fullmatch(r"[A-Z0-9_]{1,64}", given) else "UNKNOWN"


def failure(code: str, category: str) -> Failure:
    """Why no money moved, in words for the payer."""
    if code in SQUARES_OWN:
        return Failure(code, "The payment could not be made just now.", FailureKind.GATEWAY)
    if code in TOKEN_REFUSED or category != "PAYMENT_METHOD_ERROR":
        return Failure(code, "The card could not be used. Please enter it again.", FailureKind.REFUSED)
    return Failure(code, WORDS.get(code, "The card was declined."), FailureKind.DECLINED)
