"""What gateways without a machine behind them share: the payer is told what to do, and people say that it was done."""

from collections.abc import Mapping

from domain_kit.money import Money
from payment_service.domain.gateways import Action, ActionKind, GatewayRefund, Intent, IntentState, Order, Progress
from payment_service.outbound.capability_files import capabilities_of


class ByHand:
    """PaymentGateway and Refunds of payment_service.domain.gateways. Nothing is kept here: the payment says all."""

    name = ""

    def instructions(self, order: Order) -> str:
        """What the payer reads."""
        raise NotImplementedError

    def check_amount(self, amount: Money) -> None:
        """InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        capabilities_of(self.name).gateway_units(amount)

    async def begin(self, order: Order) -> Intent:
        """What the payer has to do."""
        action = Action(ActionKind.INSTRUCTIONS, self.instructions(order))
        return Intent(f"{self.name}-{order.key}", IntentState.ACTION_REQUIRED, action=action)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """Nobody but people can say that the money came."""
        return Intent(
            reference, IntentState.ACTION_REQUIRED, action=Action(ActionKind.INSTRUCTIONS, self.instructions(order))
        )

    async def find(self, order: Order, reference: str) -> Intent | None:  # noqa: ARG002
        """There is nobody who knows."""
        return None

    async def cancel(self, order: Order, reference: str) -> Intent:  # noqa: ARG002
        """Money that comes all the same is for the organizer to give back."""
        return Intent(reference, IntentState.CANCELLED)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:  # noqa: ARG002
        """People pay it back, and say when they have."""
        return GatewayRefund(f"{self.name}-{id}", Progress.PENDING)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:  # noqa: ARG002
        """All that was ever asked for is still to be paid, as far as anybody has said."""
        return {id: GatewayRefund(f"{self.name}-{id}", Progress.PENDING) for id in ids}
