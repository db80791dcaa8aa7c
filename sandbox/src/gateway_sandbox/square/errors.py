"""Errors in the shape Square answers them (https://developer.squareup.com/docs/build-basics/handling-errors)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway_sandbox.ledger import Object

INVALID = "INVALID_REQUEST_ERROR"
LONGEST_KEY = 45  # characters of an idempotency key


class SquareError(Exception):
    """An answer other than 200. payment: what a declined charge left behind, shown beside the errors."""

    def __init__(
        self, status: int, category: str, code: str, detail: str, *, field: str = "", payment: Object | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        error = {"category": category, "code": code, "detail": detail, **({"field": field} if field else {})}
        self.body: Object = {"errors": [error], **({"payment": payment} if payment else {})}


def invalid(code: str, detail: str, *, field: str = "") -> SquareError:
    """400 INVALID_REQUEST_ERROR."""
    return SquareError(400, INVALID, code, detail, field=field)


def not_found(what: str) -> SquareError:
    """404 NOT_FOUND."""
    return SquareError(404, INVALID, "NOT_FOUND", f"Could not find {what}.")


def unauthorized() -> SquareError:
    """401: no access token, or another merchant's."""
    return SquareError(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized.")


def only(given: Mapping[str, Any], known: Collection[str], code: str = "UNKNOWN_BODY_PARAMETER") -> None:
    """400 for a parameter that the endpoint does not take."""
    for name in given:
        if name not in known:
            raise invalid(code, f"Unrecognized parameter: {name}", field=name)


def text(given: Mapping[str, Any], name: str, longest: int = 192) -> str:
    """A string that has to be there; 400 MISSING_REQUIRED_PARAMETER, EXPECTED_STRING, VALUE_TOO_LONG."""
    value = given.get(name)
    if value is None or value == "":
        raise invalid("MISSING_REQUIRED_PARAMETER", "Field must be set", field=name)
    if not isinstance(value, str):
        raise invalid("EXPECTED_STRING", "Expected a string value.", field=name)
    if len(value) > longest:
        raise invalid("VALUE_TOO_LONG", f"Field must not be greater than {longest} in length", field=name)
    return value


def money(given: Mapping[str, Any], name: str, currency: str) -> int:
    """The amount of a Money object in the merchant's currency; 400 INVALID_VALUE, VALUE_TOO_LOW."""
    value = given.get(name)
    if not isinstance(value, dict):
        raise invalid("MISSING_REQUIRED_PARAMETER", "Field must be set", field=name)
    only(value, ("amount", "currency"))
    amount = value.get("amount")
    if type(amount) is not int:
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", field=f"{name}.amount")
    if amount < 1:
        raise invalid("VALUE_TOO_LOW", "`amount` must be greater than or equal to 1.", field=f"{name}.amount")
    if value.get("currency") != currency:
        raise invalid("INVALID_VALUE", f"The merchant can only process {currency}.", field=f"{name}.currency")
    return amount


def number(given: Mapping[str, str], name: str) -> int | None:
    """A whole number of the query; 400 EXPECTED_INTEGER."""
    value = given.get(name)
    if value is not None and not value.isdecimal():
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", field=name)
    return int(value) if value else None


def instant(given: Mapping[str, str], name: str) -> datetime | None:
    """An RFC 3339 time of the query; 400 INVALID_TIME."""
    if not given.get(name):
        return None
    try:
        return datetime.fromisoformat(given[name]).astimezone(UTC)
    except ValueError:
        raise invalid("INVALID_TIME", "Invalid time.", field=name) from None
