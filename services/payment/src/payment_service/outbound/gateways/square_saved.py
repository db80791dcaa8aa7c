"""Cards that Square keeps on file (https://developer.squareup.com/docs/cards-api/overview)."""

import hashlib
from collections.abc import Sequence
from typing import Any

from payment_service.domain.saved_methods import SavedMethod, Saving
from payment_service.outbound.gateways.said_no import unavailable
from payment_service.outbound.gateways.square_errors import REUSED, No, answered

ONCE: Any = {"max_retries": 0}


class SquareSaved:
    """SavedMethods of payment_service.domain.saved_methods: a customer that has a number of ours and no name.

    3-D Secure is over before there is a token, as with payments.
    """

    def __init__(self, client: Any) -> None:
        self._customers, self._cards = client.customers, client.cards

    async def keeper(self, payer: str) -> str:
        """POST /v2/customers, which wants something about a customer: our number as a reference and as a nickname."""
        key = hashlib.sha256(f"customer|{payer}".encode()).hexdigest()[:32]
        said = {"reference_id": payer, "nickname": payer, "idempotency_key": key}
        made = await answered(self._customers.create(**said, request_options=ONCE))
        if made.customer is None or not made.customer.id:
            raise unavailable()
        return str(made.customer.id)

    async def save(self, keeper: str, token: str, *, id: str, return_uri: str) -> Saving:  # noqa: ARG002
        """POST /v2/cards."""
        try:
            made = await answered(
                self._cards.create(
                    idempotency_key=id, source_id=token, card={"customer_id": keeper}, request_options=ONCE
                )
            )
        except No as no:
            if no.gateway_code == REUSED:
                raise
            return Saving(failure=no.failure)
        return Saving(_method(made.card))

    async def saved(self, keeper: str) -> Sequence[SavedMethod]:
        """GET /v2/cards?customer_id=…"""

        async def listed() -> list[Any]:
            pages = await self._cards.list(customer_id=keeper, sort_order="DESC", request_options=ONCE)
            return [each async for each in pages]

        return [_method(each) for each in await answered(listed()) if each.enabled]

    async def forget(self, keeper: str, reference: str) -> None:  # noqa: ARG002 one customer has it
        """POST /v2/cards/{id}/disable."""
        try:
            await answered(self._cards.disable(reference, request_options=ONCE))
        except No as no:
            if no.gateway_code not in ("NOT_FOUND", "BAD_REQUEST"):
                raise


def _method(card: Any) -> SavedMethod:
    if card is None or not card.id:
        raise unavailable()
    expires = f"{card.exp_year:04}-{card.exp_month:02}" if card.exp_year and card.exp_month else ""
    return SavedMethod(card.id, "card", str(card.card_brand or "").lower(), str(card.last4 or ""), expires)
