"""A payer's browser with Mercado Pago's Card Payment Brick."""

from domain_kit.money import Money

METHOD = "card"
AMOUNT = Money(12_990, "BRL")
SIGNS_TIME = True
SIGNED_BY_HEADERS = True
SAYS_WHAT = False
SIGNS_BODY = False
HEARS_WITH_TOKEN = True
TOKENS = {
    "good": '{"token": "card_token_APRO", "payment_method_id": "master", "installments": 1}',
    "declined": "card_token_FUND",
}
