"""Payers who agree on the gateway's page or in its app: the money is taken when we hear of it, once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain_kit.refusals import FailedPrecondition, Unavailable
from payment_service.domain.gateways import Action, ActionKind, Intent, IntentState, MethodKind, Notice
from payment_service.domain.open_work import Work
from payment_service.domain.states import State
from payment_service.handlers.mark_received import mark_received
from payment_service.handlers.receive_notice import receive_notice

PAGE = Action(ActionKind.REDIRECT, "https://gateway.example/agree")


class PageGateway:
    """What a FakeGateway does, but the payer agrees on a page first."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.agreed: set[str] = set()

    def __getattr__(self, name: str):
        return getattr(self.inner, name)

    async def begin(self, order) -> Intent:
        return self._seen(await self.inner.begin(order))

    async def find(self, order, reference: str) -> Intent | None:
        found = await self.inner.find(order, reference)
        return None if found is None else self._seen(found)

    async def confirm(self, order, reference: str) -> Intent:
        assert reference in self.agreed
        return await self.inner.confirm(replace(order, token="pm_card_visa"), reference)

    def _seen(self, intent: Intent) -> Intent:
        if intent.state is not IntentState.OPEN:
            return intent
        if intent.reference in self.agreed:
            return replace(intent, state=IntentState.APPROVED)
        return replace(intent, state=IntentState.ACTION_REQUIRED, action=PAGE)


@pytest.fixture(params=[MethodKind.REDIRECT, MethodKind.QR_CODE])
def elsewhere(request, shop, monkeypatch):
    """A shop whose gateway has a page, and that page."""
    gateways = shop.world.gateways
    page = gateways.all["stripe"] = PageGateway(gateways.all["stripe"])
    ranking = gateways.ranking

    async def by_page(wish, organizer: str):
        found = await ranking(wish, organizer)
        return replace(found, candidates=tuple(replace(each, kind=request.param) for each in found.candidates))

    monkeypatch.setattr(gateways, "ranking", by_page)
    return shop, page


async def test_a_payment_on_a_page_begins_with_its_address(elsewhere) -> None:
    shop, _ = elsewhere
    payment = await shop.create()
    assert (payment.state, payment.current.action, payment.work) == (State.REQUIRES_ACTION, PAGE, Work.PAYER)
    assert shop.facts(payment) == ["PaymentCreated", "PaymentActionRequired"]
    assert (await shop.confirm(payment, "")).state is State.REQUIRES_ACTION


@pytest.mark.parametrize("heard", ["poll", "webhook", "return"])
async def test_the_money_is_taken_once_when_the_payer_has_agreed(elsewhere, heard: str) -> None:
    shop, page = elsewhere
    payment = await shop.create()
    page.agreed.add(payment.current.reference)
    w = shop.world
    for number in range(2):
        if heard == "poll":
            after = await shop.settle(payment)
        elif heard == "webhook":
            notice = Notice(f"evt_{number}", payment.current.key)
            await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
            after = await w.payments.get(payment.name)
        else:
            after = await shop.confirm(payment, "", "back")
            if number == 0:
                with pytest.raises(FailedPrecondition, match="PAYMENT_SUCCEEDED"):
                    await shop.confirm(payment, "", "once more")
                break
    assert (after.state, w.gateway.charges.total()) == (State.SUCCEEDED, 1)
    assert shop.facts(payment) == [
        "PaymentCreated", "PaymentActionRequired", "PaymentAttempted", "PaymentSucceeded",
    ]  # fmt: skip


@pytest.mark.parametrize("faults", [["", "before"], ["", "after"], ["before"], ["", "after", "before"]])
async def test_an_answer_that_is_lost_on_the_way_takes_the_money_once(elsewhere, faults: list[str]) -> None:
    shop, page = elsewhere
    payment = await shop.create()
    page.agreed.add(payment.current.reference)
    shop.world.gateway.faults = faults
    for _ in range(3):
        try:
            after = await shop.settle(payment)
        except Unavailable:
            after = await shop.world.payments.get(payment.name)
    assert (after.state, shop.world.gateway.charges.total()) == (State.SUCCEEDED, 1)
    assert shop.facts(payment).count("PaymentAttempted") == 1


@pytest.mark.parametrize("fuse", range(1, 13))
async def test_wherever_taking_the_money_breaks_off_it_is_taken_once(elsewhere, crash, fuse: int) -> None:
    """INVARIANT: what a payer has agreed to is taken once, wherever the process dies."""
    shop, page = elsewhere
    payment = await shop.create()
    page.agreed.add(payment.current.reference)
    shop.world.steps.fuse = fuse
    try:
        await shop.settle(payment)
    except crash:
        shop.world.steps.fuse = None
    shop.world.steps.fuse = None
    shop.world.time += timedelta(seconds=5)
    after = await shop.settle(payment)
    assert (after.state, shop.world.gateway.charges.total()) == (State.SUCCEEDED, 1)


async def test_what_was_called_off_is_not_taken_though_the_payer_agrees_late(elsewhere) -> None:
    shop, page = elsewhere
    payment = await shop.create()
    await shop.cancel(payment)
    page.agreed.add(payment.current.reference)
    assert (await shop.settle(payment)).state is State.CANCELLED
    assert not shop.world.gateway.charges.total()


async def test_only_money_by_hand_is_said_to_have_come(shop) -> None:
    w = shop.world
    payment = await shop.create()
    with pytest.raises(FailedPrecondition, match="NOT_PAID_BY_HAND"):
        await mark_received(w.payments, payment.name, cause=w.cause("users/f", "mark"), clock=w.now)
