"""A payer with Stripe's test cards (https://docs.stripe.com/testing)."""

from domain_kit.money import Money

METHOD = "card"
AMOUNT = Money(1999, "CAD")
SIGNS_TIME = True
SIGNED_BY_HEADERS = True
TOKENS = {"good": "pm_card_visa", "declined": "pm_card_chargeDeclined"}
CHALLENGED = "pm_card_authenticationRequired"
