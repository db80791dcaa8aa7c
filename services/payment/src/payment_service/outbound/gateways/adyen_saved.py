"""Cards that Adyen keeps (https://docs.adyen.com/online-payments/tokenization)."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound
from payment_service.domain.gateways import Failure, FailureKind
from payment_service.domain.saved_methods import SavedMethod, Saving
from payment_service.outbound.gateways.adyen_calls import AdyenCalls
from payment_service.outbound.gateways.adyen_objects import asked_of
from payment_service.outbound.gateways.said_no import unavailable

NOT_SAVED = Failure("refused", "The card was not saved.", FailureKind.REFUSED)
# What a stored card is paid with: the payer is there, and has agreed to its being stored.
ON_FILE = {"shopperInteraction": "ContAuth", "recurringProcessingModel": "CardOnFile"}


class AdyenSaved:
    """SavedMethods of payment_service.domain.saved_methods. The payer's bank is asked when the card is paid with."""

    def __init__(self, recurring: Any, account: str, call: AdyenCalls) -> None:
        self._recurring, self._account, self._call = recurring, account, call

    async def keeper(self, payer: str) -> str:
        """Nothing is sent: Adyen takes any name for a shopper that tells nothing of them."""
        return payer.replace("/", "-")

    async def save(self, keeper: str, token: str, *, id: str, return_uri: str) -> Saving:  # noqa: ARG002
        """POST /storedPaymentMethods."""
        try:
            card = asked_of(token)["paymentMethod"]
            asked = {**self._whose(keeper), "recurringProcessingModel": "CardOnFile", "paymentMethod": card}
            return Saving(_method(await self._call(self._recurring.stored_payment_methods, asked, key=id)))
        except (InvalidArgument, NotFound, FailedPrecondition, ValueError, KeyError):
            return Saving(failure=NOT_SAVED)

    async def saved(self, keeper: str) -> Sequence[SavedMethod]:
        """GET /storedPaymentMethods."""
        act = self._recurring.get_tokens_for_stored_payment_details
        found = await self._call(act, query_parameters=self._whose(keeper))
        return [_method(each) for each in found.get("storedPaymentMethods") or ()]

    async def forget(self, keeper: str, reference: str) -> None:
        """DELETE /storedPaymentMethods/{id}."""
        act = self._recurring.delete_token_for_stored_payment_details
        try:
            await self._call(act, reference, query_parameters=self._whose(keeper))
        except (InvalidArgument, NotFound, FailedPrecondition):
            return  # it is not there

    def _whose(self, keeper: str) -> dict[str, str]:
        return {"merchantAccount": self._account, "shopperReference": keeper}


def stored_card(token: str, keeper: str) -> dict[str, Any]:
    """What of a payment says that a stored card is meant, and whose."""
    method = {"type": "scheme", "storedPaymentMethodId": token}
    return {"paymentMethod": method, "shopperReference": keeper, **ON_FILE}


def _method(stored: Mapping[str, Any]) -> SavedMethod:
    if not stored.get("id"):
        raise unavailable()
    year, month = str(stored.get("expiryYear") or ""), str(stored.get("expiryMonth") or "")
    expires = f"{year}-{month:0>2}" if year and month else ""
    return SavedMethod(
        str(stored["id"]), "card", str(stored.get("brand") or ""), str(stored.get("lastFour") or ""), expires
    )
