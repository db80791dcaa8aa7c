"""A payer of Square: the browser gets a token, 3-D Secure included, before anything is sent."""

from domain_kit.money import Money

METHOD = "card"
AMOUNT = Money(1999, "USD")
SIGNS_TIME = False
SIGNED_BY_HEADERS = True
TOKENS = {"good": "cnon:card-nonce-ok", "declined": "cnon:card-nonce-declined"}
