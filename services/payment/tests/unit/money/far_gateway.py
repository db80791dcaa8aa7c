"""A gateway in memory with more of what happens at one: disputes, fees of its own, money that takes its time."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from payment_fakes import DECLINED, FakeGateway, Steps

from domain_kit.money import Money
from payment_service.domain.gateways import (
    Acknowledgement,
    Delivery,
    Failure,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Order,
    Progress,
)
from payment_service.domain.gateways import Entry as Line

OPEN, WON, LOST = "OPEN", "WON", "LOST"
NOT_AUTHENTICATED = Failure("authentication_required", "Not authenticated.")


@dataclass
class Dispute:
    """about: minor units that the payer wants back. A lost one takes as much of that as is there, now or later."""

    id: str
    about: int
    state: str = OPEN
    fee: int = 0


@dataclass
class Losses:
    """Of all disputes of one order. most: minor units that one has taken; fees: what they have cost.

    back: how many were won after they had been lost.
    """

    most: int = 0
    fees: frozenset[int] = frozenset({0})
    back: int = 0


def expected_fee(_gateway: str, amount: Money) -> Money:
    """What our books expect a gateway to keep of a charge."""
    return Money((amount.minor_units + 20) // 40, amount.currency)


class FarGateway(FakeGateway):
    """silent: it cannot be asked what became of money that came, nor of refunds and disputes, and says so by its word,
    under references of its own and as Adyen does. surcharge: by how much its fees are not what we expect.
    """

    acknowledgement = Acknowledgement()

    def __init__(
        self, name: str, steps: Steps, clock: Callable[[], datetime], *, keeps_tries: bool, silent: bool
    ) -> None:
        super().__init__(name, steps, keeps_tries=keeps_tries)
        self.slow_refunds = self.silent = silent
        self.surcharge = 0
        self.fees: dict[str, int] = {}
        self.disputes: dict[str, Dispute] = {}
        self.losses: defaultdict[str, Losses] = defaultdict(Losses)
        self.times: dict[str, datetime] = {}
        self._clock = clock

    async def find(self, order: Order, reference: str) -> Intent | None:
        found = await super().find(order, reference)
        if self.silent and found is not None and not order.token:
            return replace(found, state=IntentState.OPEN, failure=None, action=None, trace="")
        return found

    async def refunds_of(self, order: Order, reference: str, ids) -> dict[str, GatewayRefund]:
        found = await super().refunds_of(order, reference, ids)
        return {} if self.silent else found

    def confirmed(self, reference: str, method: str) -> Intent:
        intent = self.intents[reference]
        if intent.state is IntentState.PROCESSING:
            return intent
        if method != "pm_card_processing" or intent.state not in (IntentState.OPEN, IntentState.ACTION_REQUIRED):
            return super().confirmed(reference, method)
        self.methods[reference] = method
        count = int(intent.trace.split("|")[0].removeprefix("pm_") or 0) + 1
        trace = f"pm_{count}|{intent.trace.split('|')[1]}|"
        return self._keep(replace(intent, state=IntentState.PROCESSING, failure=None, action=None, trace=trace))

    def decide(self, reference: str, passes: bool) -> None:
        """Money that took its time comes, or does not."""
        if self.intents[reference].state is IntentState.PROCESSING:
            self._charged(self.intents[reference], None if passes else DECLINED)

    def authenticated(self, reference: str, passes: bool) -> None:
        """The payer's bank was satisfied, or not."""
        self._charged(self.intents[reference], None if passes else NOT_AUTHENTICATED)

    def end_refunds(self, reference: str, succeeds: bool) -> None:
        """Those that are pending. What of a lost dispute was on its way back then turns out to be gone."""
        for id, (made, amount) in self.refunds.get(reference, {}).items():
            if made.progress is Progress.PENDING:
                end = Progress.SUCCEEDED if succeeds else Progress.FAILED
                self.refunds[reference][id] = (replace(made, progress=end), amount)
                self._tell(reference)
        self.disputed(reference)

    def read(self, delivery: Delivery, _now: datetime) -> list[Notice]:
        """The body says which of its notices, as none is signed here."""
        return [self.notices[int(delivery.body) % len(self.notices)]]

    def returned(self, reference: str) -> int:
        """Minor units that went back or are about to, without what is disputed."""
        return super().paid_back(reference)

    def disputed(self, reference: str) -> int:
        """Minor units that the payer's bank has: all that is left, once it is lost no more than it was about."""
        dispute = self.disputes.get(reference)
        if dispute is None or dispute.state == WON:
            return 0
        left = self.amounts[reference] * self.charges[reference] - self.returned(reference)
        if dispute.state == OPEN:
            return left
        losses, taken = self.losses[reference], min(left, dispute.about)
        losses.most = max(losses.most, taken)
        return taken

    def paid_back(self, reference: str) -> int:
        """With what is disputed: nothing of that can be paid back."""
        return self.returned(reference) + self.disputed(reference)

    def dispute(self, reference: str) -> None:
        """The payer asks the bank for what has not come back, on its way or not; again only after it was won."""
        former, refunds = self.disputes.get(reference), self.refunds.get(reference, {}).values()
        came_back = sum(amount for made, amount in refunds if made.progress is Progress.SUCCEEDED)
        about = self.amounts[reference] * self.charges[reference] - came_back
        if about > 0 and (former is None or former.state == WON):
            self.disputes[reference] = Dispute(f"dp_{len(self.notices)}_{reference}", about)
            self._say_of_dispute(reference)

    def decide_dispute(self, reference: str, wins: bool, fee: int) -> None:
        """The bank decides."""
        dispute = self.disputes.get(reference)
        if dispute is None or dispute.state != OPEN:
            return
        dispute.state = WON if wins else LOST
        if not wins:
            dispute.fee, losses = fee, self.losses[reference]
            losses.fees |= {fee}
            self.disputed(reference)
        self._say_of_dispute(reference)

    def give_back(self, reference: str) -> None:
        """The bank decides otherwise after all."""
        dispute = self.disputes[reference]
        if dispute.state == LOST:
            dispute.state = WON
            self.losses[reference].back += 1
            self._say_of_dispute(reference)

    def report(self) -> list[Line]:
        """Its own books."""
        lines: list[Line] = []
        for key, reference in self.orders.items():
            money, time = self.money[reference], self.times.get(reference)
            if time is None:
                continue
            nothing = Money(0, money.currency)
            fee = Money(self.fees[reference], money.currency)
            lines.append(Line(reference, "charge", reference, key, money, fee, time))
            for made, amount in self.refunds.get(reference, {}).values():
                if made.progress is Progress.SUCCEEDED:
                    back = Money(amount, money.currency)
                    lines.append(Line(made.reference, "refund", reference, key, back, nothing, time))
        return lines

    def _say_of_dispute(self, reference: str) -> None:
        dispute, intent = self.disputes[reference], self.intents[reference]
        fee = Money(dispute.fee, self.money[reference].currency) if dispute.fee else None
        says = {"disputed": dispute.state != WON, "lost": dispute.state == LOST, "dispute_fee": fee}
        says["disputed_amount"] = Money(dispute.about, self.money[reference].currency)
        if self.silent:
            word = Intent(reference, IntentState.SUCCEEDED, dispute=dispute.id, **says)
            key = next(key for key, known in self.orders.items() if known == reference)
            self.notices.append(Notice(f"evt_{len(self.notices)}", key, reference, intent=word))
        else:
            self._keep(replace(intent, **says))

    def _keep(self, intent: Intent) -> Intent:
        if intent.state is IntentState.SUCCEEDED and intent.reference not in self.times:
            self.times[intent.reference] = self._clock()
            fee = expected_fee(self.name, self.money[intent.reference])
            self.fees[intent.reference] = max(0, fee.minor_units + self.surcharge)
        return super()._keep(intent)

    def _tell(self, reference: str) -> None:
        super()._tell(reference)
        if self.silent:
            told = self.notices.pop()
            ended = [
                made for made, _ in self.refunds.get(reference, {}).values() if made.progress is not Progress.PENDING
            ]
            refunds = {f"theirs-{each.reference}": each for each in ended}
            self.notices.append(replace(told, refunds=refunds, intent=self.intents[reference]))
