"""Stripe's test payment methods and what happens when each is charged (https://docs.stripe.com/testing)."""

from dataclasses import dataclass
from typing import Literal

GENERIC = "Your card was declined."


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the issuer says no: `code` and `decline_code` as in a card_error."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A test card. `refunds` is how a refund of it ends; both but "succeeded" are pending first."""

    brand: str = "visa"
    last4: str = "4242"
    decline: Decline | None = None
    authentication: bool = False
    refunds: Literal["succeeded", "pending", "failed"] = "succeeded"


def _declined(last4: str, decline_code: str, message: str = GENERIC) -> Card:
    return Card(last4=last4, decline=Decline("card_declined", message, decline_code))


_DECLINES = {
    "chargeDeclined": _declined("0002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds", "Your card has insufficient funds."),
    "chargeDeclinedLostCard": _declined("9987", "lost_card"),
    "chargeDeclinedStolenCard": _declined("9979", "stolen_card"),
    "chargeDeclinedFraudulent": _declined("0019", "fraudulent"),
    "chargeDeclinedVelocityLimitExceeded": _declined("6975", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": Card(
        last4="0069", decline=Decline("expired_card", "Your card has expired.", "expired_card")
    ),
    "chargeDeclinedIncorrectCvc": Card(
        last4="0127", decline=Decline("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc")
    ),
    "chargeDeclinedProcessingError": Card(
        last4="0119",
        decline=Decline(
            "processing_error",
            "An error occurred while processing your card.",
            "processing_error",
        ),
    ),
}

CARDS: dict[str, Card] = {
    "pm_card_visa": Card(),
    "pm_card_us": Card(),
    "pm_card_ca": Card(last4="0006"),
    "pm_card_visa_debit": Card(last4="5556"),
    "pm_card_mastercard": Card("mastercard", "4444"),
    "pm_card_amex": Card("amex", "8431"),
    "pm_card_discover": Card("discover", "9424"),
    "pm_card_bypassPending": Card(last4="0077"),
    "pm_card_authenticationRequired": Card(last4="3184", authentication=True),
    "pm_card_authenticationRequiredOnSetup": Card(last4="3155", authentication=True),
    "pm_card_threeDSecure2Required": Card(last4="3220", authentication=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        last4="9995", authentication=True, decline=_DECLINES["chargeDeclinedInsufficientFunds"].decline
    ),
    "pm_card_pendingRefund": Card(last4="7726", refunds="pending"),
    "pm_card_refundFail": Card(last4="5126", refunds="failed"),
    # Stripe spells the declining ones with and without the brand.
    **{f"pm_card_{name}": card for name, card in _DECLINES.items()},
    **{f"pm_card_visa_{name}": card for name, card in _DECLINES.items()},
}

NOT_AUTHENTICATED = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)
