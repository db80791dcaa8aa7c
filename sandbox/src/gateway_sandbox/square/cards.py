"""Customers and their cards on file (https://developer.squareup.com/docs/cards-api/overview)."""

import time
from collections.abc import Mapping
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.square.errors import LONGEST_KEY, SquareError, invalid, not_found, only, text
from gateway_sandbox.square.payments import moment, page_of
from gateway_sandbox.square.tokens import TOKENS


class Cards:
    """Of one merchant."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def customer(self, given: Mapping[str, Any]) -> Object:
        """POST /v2/customers: at least one thing is to be known of a customer."""
        only(given, ("idempotency_key", "reference_id", "nickname"))
        if not given.get("nickname"):
            raise invalid("BAD_REQUEST", "At least one of given_name, family_name, company_name, … is required")
        id = self._till.new_id("CU").upper()
        said = {key: given.get(key) for key in ("reference_id", "nickname")}
        made = {"id": id, "created_at": moment(time.time()), **said}
        self._till.save("customer", id, made)
        return {"customer": made}

    def create(self, given: Mapping[str, Any]) -> Object:
        """POST /v2/cards."""
        only(given, ("idempotency_key", "source_id", "card", "verification_token"))
        text(given, "idempotency_key", LONGEST_KEY)
        source, about = text(given, "source_id"), given.get("card") or {}
        only(about, ("customer_id", "cardholder_name"))
        customer = text(about, "customer_id")
        if self._till.load("customer", customer) is None:
            raise not_found(f"customer with id: {customer}")
        token = TOKENS.get(source)
        if token is None:
            raise not_found("a card nonce of that name")
        if token.decline:
            raise SquareError(400, "PAYMENT_METHOD_ERROR", token.decline, token.detail)
        id = f"ccof:{self._till.new_id()}"
        card: Object = {
            "id": id, "card_brand": token.brand, "last_4": token.last4, "exp_month": 12, "exp_year": 2039,
            "customer_id": customer, "enabled": True, "created_at": moment(time.time()), "version": 0,
        }  # fmt: skip
        self._till.save("card", id, {**card, "far_token": source}, customer)
        return {"card": card}

    def listed(self, given: Mapping[str, str]) -> Object:
        """GET /v2/cards."""
        only(given, ("customer_id", "sort_order", "cursor", "include_disabled"), "UNKNOWN_QUERY_PARAMETER")
        found = [_shown(each) for each in self._till.page("card", given.get("customer_id", "")) if each["enabled"]]
        return page_of("cards", found, given)

    def disable(self, id: str) -> Object:
        """POST /v2/cards/{id}/disable: for good."""
        card = self._till.load("card", id)
        if card is None:
            raise not_found(f"card with id: {id}")
        self._till.save("card", id, {**card, "enabled": False})
        return {"card": _shown({**card, "enabled": False})}


def token_of(till: Till, source: str, customer: str) -> str:
    """The test token behind a source; a card on file is its customer's alone."""
    if not source.startswith("ccof:"):
        return source
    card = till.load("card", source)
    if card is None or not card["enabled"]:
        raise not_found("a card of that name")
    if card["customer_id"] != customer:
        raise invalid("BAD_REQUEST", "A card on file is charged with the customer_id of its customer.")
    return str(card["far_token"])


def _shown(card: Object) -> Object:
    return {key: value for key, value in card.items() if key not in ("object", "far_token")}
