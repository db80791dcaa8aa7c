"""Cards on file (https://docs.adyen.com/api-explorer/Checkout/72/post/storedPaymentMethods)."""

from collections.abc import Mapping
from typing import Any

from gateway_sandbox.adyen.books import CARDS, CHALLENGED, HOLDERS, AdyenError, only
from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

OF_STORED = ("shopperReference", "recurringProcessingModel")


class Stored:
    """Of one merchant account, each card of one shopper."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def create(self, given: Mapping[str, Any]) -> Object:
        """POST /storedPaymentMethods."""
        only(dict(given), "merchantAccount", "shopperReference", "recurringProcessingModel", "paymentMethod")
        shopper, card = str(given.get("shopperReference") or ""), given.get("paymentMethod") or {}
        if len(shopper) < 3:
            raise AdyenError(422, "130", "Required field 'shopperReference' is not provided.")
        number, holder = card.get("encryptedCardNumber"), str(card.get("holderName", ""))
        if number not in CARDS | CHALLENGED:
            raise AdyenError(422, "101", "Invalid card number")
        if HOLDERS.get(holder, ("Authorised",))[0] != "Authorised":
            raise AdyenError(422, "905", "The card was not accepted")
        id = self._till.new_id().upper()[:16]
        stored = {
            "id": id, "type": "scheme", "brand": "visa", "lastFour": str(number)[-4:], "expiryMonth": "3",
            "expiryYear": "2030", "holderName": holder, "shopperReference": shopper, "gone": False, "number": number,
        }  # fmt: skip
        self._till.save("stored", id, stored, shopper)
        return _shown(stored)

    def listed(self, query: Mapping[str, str]) -> Object:
        """GET /storedPaymentMethods?shopperReference=…"""
        shopper = query.get("shopperReference", "")
        found = [_shown(each) for each in self._till.page("stored", shopper) if not each["gone"]] if shopper else []
        return {
            **{key: query.get(key) for key in ("merchantAccount", "shopperReference")},
            "storedPaymentMethods": found,
        }

    def delete(self, id: str, query: Mapping[str, str]) -> None:
        """DELETE /storedPaymentMethods/{id}."""
        stored = self._of(id, query.get("shopperReference", ""))
        self._till.save("stored", id, {**stored, "gone": True}, stored["shopperReference"])

    def paid_with(self, given: dict[str, Any]) -> dict[str, Any]:
        """A payment as it would be with the card itself, where it names a stored one of its shopper."""
        method = given.get("paymentMethod") or {}
        rest = {
            key: value for key, value in given.items() if key not in ("shopperReference", "recurringProcessingModel")
        }
        if "storedPaymentMethodId" not in method:
            return rest
        stored = self._of(str(method["storedPaymentMethodId"]), str(given.get("shopperReference") or ""))
        card = {"type": "scheme", "encryptedCardNumber": stored["number"], "holderName": stored["holderName"]}
        return {**rest, "paymentMethod": card}

    def _of(self, id: str, shopper: str) -> Object:
        stored = self._till.load("stored", id)
        if stored is None or stored["gone"] or stored["shopperReference"] != shopper:
            raise AdyenError(422, "800", "Contract not found")
        return stored


def _shown(stored: Object) -> Object:
    return {key: value for key, value in stored.items() if key not in ("object", "gone", "number")}
