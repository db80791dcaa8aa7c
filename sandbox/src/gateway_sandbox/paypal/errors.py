"""Errors and amounts in the shape PayPal has them (https://developer.paypal.com/api/rest/responses/)."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

WHOLE = frozenset({"HUF", "JPY", "TWD"})  # PayPal knows no decimals of them
CURRENCIES = frozenset({
    "AUD", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "NOK", "NZD", "PHP", "PLN",
    "SEK", "SGD", "THB", "TWD", "USD",
})  # fmt: skip
ISO_EXPONENTS = {"JPY": 0}


class PayPalError(Exception):
    """An answer other than 2xx; `issue` is the one that programs look at."""

    def __init__(self, status: int, name: str, issue: str, description: str, field: str = "") -> None:
        super().__init__(issue)
        self.status = status
        detail = {"issue": issue, "description": description, **({"field": field} if field else {})}
        self.body: Object = {"name": name, "message": description, "debug_id": Till.new_id(), "details": [detail]}


def invalid(issue: str, description: str, field: str = "") -> PayPalError:
    """400 INVALID_REQUEST: the body is not of the schema."""
    return PayPalError(400, "INVALID_REQUEST", issue, description, field)


def unprocessable(issue: str, description: str) -> PayPalError:
    """422 UNPROCESSABLE_ENTITY: the schema is kept, the business is not."""
    return PayPalError(422, "UNPROCESSABLE_ENTITY", issue, description)


def not_found() -> PayPalError:
    """404 RESOURCE_NOT_FOUND."""
    return PayPalError(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "Specified resource ID does not exist.")


def only(given: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """400 for a field that the schema does not have."""
    for name in given:
        if name not in known:
            raise invalid("UNSUPPORTED_FIELD", "The field is not supported.", f"{where}/{name}")


def minor_units(amount: Any, where: str) -> tuple[int, str]:
    """Minor units of ISO 4217 and the currency of {"currency_code", "value"}."""
    if not isinstance(amount, dict):
        raise invalid("MISSING_REQUIRED_PARAMETER", "A required field is missing.", where)
    only(amount, ("currency_code", "value"), where)
    currency, value = amount.get("currency_code"), amount.get("value")
    if currency not in CURRENCIES:
        raise invalid("INVALID_CURRENCY_CODE", "Currency code is invalid or is not supported.", where)
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,20}(\.\d+)?", value):
        raise invalid("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the format.", where)
    digits = len(value.partition(".")[2])
    if digits > (0 if currency in WHOLE else 2):
        issue = "DECIMALS_NOT_SUPPORTED" if currency in WHOLE else "DECIMAL_PRECISION"
        raise unprocessable(issue, "Currency does not support so many decimals.")
    units = int(Decimal(value) * 10 ** ISO_EXPONENTS.get(currency, 2))
    if not units:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
    return units, currency


def amount_of(units: int, currency: str) -> Object:
    """The reverse of `minor_units`."""
    value = Decimal(units).scaleb(-ISO_EXPONENTS.get(currency, 2))
    return {"currency_code": currency, "value": f"{value:.0f}" if currency in WHOLE else f"{value:.2f}"}
