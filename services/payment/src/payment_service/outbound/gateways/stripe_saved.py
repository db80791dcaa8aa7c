"""Cards that Stripe keeps for a payer (https://docs.stripe.com/payments/save-and-reuse)."""

import hashlib
from collections.abc import Sequence
from typing import Any

import stripe

from payment_service.domain.gateways import Action, ActionKind, Failure, FailureKind
from payment_service.domain.saved_methods import SavedMethod, Saving
from payment_service.outbound.gateways.stripe_errors import failure_of, is_definite, refusing

NOT_SAVED = Failure("setup_not_finished", "The card was not saved.", FailureKind.REFUSED)


class StripeSaved:
    """SavedMethods of payment_service.domain.saved_methods: a customer that has a number of ours and no name."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._customers, self._setups = client.v1.customers, client.v1.setup_intents
        self._methods = client.v1.payment_methods

    async def keeper(self, payer: str) -> str:
        """POST /v1/customers."""
        key = hashlib.sha256(f"customer|{payer}".encode()).hexdigest()[:32]
        with refusing():
            return (await self._customers.create_async({"metadata": {"payer": payer}}, {"idempotency_key": key})).id

    async def save(self, keeper: str, token: str, *, id: str, return_uri: str) -> Saving:
        """POST /v1/setup_intents, confirmed at once: the payer's bank may want to ask the payer."""
        try:
            made = await self._setups.create_async(
                {
                    "customer": keeper,
                    "payment_method": token,
                    "confirm": True,
                    "usage": "on_session",
                    "automatic_payment_methods": {"enabled": True},
                    "return_url": return_uri,
                    "expand": ["payment_method"],
                },
                {"idempotency_key": id},
            )
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise
            return Saving(failure=failure_of(error))
        if made.status == "succeeded":
            return Saving(_method(made.payment_method))
        page = getattr(made.next_action, "redirect_to_url", None)
        if made.status == "requires_action" and page is not None and page.url:
            return Saving(action=Action(ActionKind.REDIRECT, page.url))
        return Saving(failure=NOT_SAVED)

    async def saved(self, keeper: str) -> Sequence[SavedMethod]:
        """GET /v1/payment_methods?customer=…"""
        with refusing():
            page = await self._methods.list_async({"customer": keeper, "type": "card", "limit": 100})
            return [_method(each) async for each in page.auto_paging_iter()]

    async def forget(self, keeper: str, reference: str) -> None:  # noqa: ARG002 one customer has it
        """POST /v1/payment_methods/{id}/detach; it can never be used again."""
        try:
            await self._methods.detach_async(reference)
        except stripe.StripeError as error:
            if not is_definite(error):
                with refusing():
                    raise


def _method(method: Any) -> SavedMethod:
    card = method.card
    return SavedMethod(method.id, "card", card.brand, card.last4, f"{card.exp_year:04}-{card.exp_month:02}")
