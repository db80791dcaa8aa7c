"""A payer of PayPal, who approves on PayPal's page; whose "no" is the bank's, told when the money is taken."""

from domain_kit.money import Money

METHOD = "paypal"
AMOUNT = Money(1999, "EUR")
SIGNS_TIME = True
SIGNED_BY_HEADERS = True
