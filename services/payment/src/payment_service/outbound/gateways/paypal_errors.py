"""Errors of PayPal's SDK as refusals (https://developer.paypal.com/api/rest/reference/orders/v2/errors/)."""

import json
import logging
import re
from typing import Any

from domain_kit.refusals import InvalidArgument, Refusal
from payment_service.domain.gateways import Failure, FailureKind
from payment_service.outbound.gateways.said_no import out_of_order, unavailable

log = logging.getLogger(__name__)

# The payer, or who lends to the payer, said no.
DECLINED = frozenset({
    "INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "PAYER_ACCOUNT_LOCKED_OR_CLOSED", "PAYER_ACCOUNT_RESTRICTED",
    "TRANSACTION_REFUSED", "TRANSACTION_BLOCKED_BY_PAYEE", "PAYER_COUNTRY_NOT_SUPPORTED", "CARD_EXPIRED", "DENIED",
    "DECLINED",
})  # fmt: skip
# PayPal or the merchant's account is in trouble, so that another gateway may do it.
PAYPALS_OWN = frozenset({
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED", "PAYEE_ACCOUNT_RESTRICTED", "PAYEE_ACCOUNT_INVALID", "PAYEE_NOT_CONSENTED",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED", "TRANSACTION_LIMIT_EXCEEDED", "FAILED",
})  # fmt: skip
# Said with a 4xx, and yet it is only too early.
TOO_EARLY = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "RESOURCE_CONFLICT", "RATE_LIMIT_REACHED", "PENDING_CAPTURE"})

ANOTHER_BODY = "DUPLICATE_REQUEST_ID"  # a request id was used for something else


class No(InvalidArgument):
    """PayPal has understood and said no, so that nothing moved. `issue` is that of its first detail."""

    def __init__(self, issue: str) -> None:
        super().__init__(
            "GATEWAY_REFUSED", "The payment gateway refused the request.", metadata={"gateway_code": issue}
        )
        self.issue = issue
        self.failure = failure(issue)


def refusal_of(status: int, body: str) -> Refusal:
    """No where it is definite. Nothing of the body but its code goes further."""
    issue = issue_of(body)
    if status in (401, 403):
        log.error("the gateway does not accept our key", extra={"gateway": "paypal", "status": status, "code": issue})
        return out_of_order()
    if issue == ANOTHER_BODY:
        return No(issue)
    if not 400 <= status < 500 or status in (408, 409, 429) or issue in TOO_EARLY:
        return unavailable()
    return No(issue)


def issue_of(body: str) -> str:
    """The first issue, or else the name of the error, where it is such; whatever else stands there may not be shown."""
    try:
        error: Any = json.loads(body)
        given = error["details"][0]["issue"] if error.get("details") else error.get("name")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        given = None
    return given if isinstance(given, str) and re.fullmatch(r"[A-Z0-9_]{1,64}", given) else "UNKNOWN"


def failure(code: str) -> Failure:
    """Why no money moved, in words for the payer."""
    if code in DECLINED:
        return Failure(code, "PayPal could not charge the account. Please choose another way to pay.")
    if code in PAYPALS_OWN:
        return Failure(code, "The payment could not be made just now.", FailureKind.GATEWAY)
    return Failure(code, "PayPal did not take this payment. Please begin it again.", FailureKind.REFUSED)
