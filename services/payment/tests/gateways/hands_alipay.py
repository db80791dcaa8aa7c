"""A payer who scans a code with the Alipay app."""

from domain_kit.money import Money

METHOD = "alipay_qr"
AMOUNT = Money(19_900, "CNY")
SIGNS_TIME = True
SIGNED_BY_HEADERS = False
TELLS_REFUSALS = False
FORGETS_CALLED_OFF = True
