"""Test payment tokens by Square's names (https://developer.squareup.com/docs/devtools/sandbox/payments).

Those that Square has no name for say so.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """decline: the code of the error it ends in. refunds: how a refund ends, which is pending first."""

    decline: str = ""
    detail: str = ""
    brand: str = "VISA"
    last4: str = "1111"
    refunds: str = "COMPLETED"


TOKENS = {
    "cnon:card-nonce-ok": Token(),
    "cnon:card-nonce-declined": Token("GENERIC_DECLINE", "Authorization error: 'GENERIC_DECLINE'"),
    "cnon:card-nonce-rejected-cvv": Token("CVV_FAILURE", "Authorization error: 'CVV_FAILURE'"),
    "cnon:card-nonce-rejected-postalcode": Token(
        "ADDRESS_VERIFICATION_FAILURE", "Authorization error: 'ADDRESS_VERIFICATION_FAILURE'"
    ),
    "cnon:card-nonce-rejected-expiration": Token("INVALID_EXPIRATION", "Invalid card expiration date."),
    "cnon:card-nonce-already-used": Token("CARD_TOKEN_USED", "The provided card nonce has already been used."),
    # Not Square's: there, the amount, the postal code or the browser decide.
    "cnon:card-nonce-insufficient-funds": Token("INSUFFICIENT_FUNDS", "Authorization error: 'INSUFFICIENT_FUNDS'"),
    "cnon:card-nonce-expired": Token("CARD_TOKEN_EXPIRED", "The provided card nonce is expired."),
    "cnon:card-nonce-needs-verification": Token(
        "CARD_DECLINED_VERIFICATION_REQUIRED", "Authorization error: 'CARD_DECLINED_VERIFICATION_REQUIRED'"
    ),
    "cnon:card-nonce-refund-fails": Token(refunds="FAILED"),
}
# Refused for what the request is, before a bank is asked: no payment stays behind.
BEFORE_THE_BANK = frozenset({"CARD_TOKEN_USED", "CARD_TOKEN_EXPIRED"})
