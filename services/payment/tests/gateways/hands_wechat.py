"""A payer who scans a code with the WeChat app."""

from domain_kit.money import Money

METHOD = "wechat_pay_qr"
AMOUNT = Money(19_900, "CNY")
SIGNS_TIME = True
SIGNED_BY_HEADERS = True
TELLS_REFUSALS = False
