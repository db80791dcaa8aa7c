"""A payer's browser with Adyen's card component."""

import json

from domain_kit.money import Money

METHOD = "card"
AMOUNT = Money(4_500, "EUR")
SIGNS_TIME = False
SIGNED_BY_HEADERS = False
HEARS_WITH_TOKEN = True
REFUNDS_DECIDED_LATER = True


def token(holder: str = "", number: str = "test_4111111111111111") -> str:
    """`state.data` of the component; the values are Adyen's for tests."""
    card = {
        "type": "scheme",
        "encryptedCardNumber": number,
        "encryptedExpiryMonth": "test_03",
        "encryptedExpiryYear": "test_2030",
        "encryptedSecurityCode": "test_737",
        "holderName": holder or "S. Hopper",
    }
    return json.dumps({"paymentMethod": card, "browserInfo": {"userAgent": "Mozilla/5.0"}, "storePaymentMethod": False})


TOKENS = {"good": token(), "declined": token("NOT_ENOUGH_BALANCE")}
