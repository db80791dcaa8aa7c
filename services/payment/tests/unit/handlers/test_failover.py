"""A gateway that fails is followed by the next one, and never are there two charges."""

from itertools import product

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal, ResourceExhausted, Unavailable
from payment_service.domain.attempt import Standing
from payment_service.domain.gateways import FailureKind, IntentState
from payment_service.domain.payment import LOST_AFTER, MOST_ATTEMPTS, SURPLUS, Payment, refund_key
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.refund import RefundState
from payment_service.domain.states import CAPTURED, State
from payment_service.handlers.create_payment import Chosen
from payment_service.handlers.receive_notice import receive_notice

VISA, DECLINED, SECURE = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"
TROUBLE = "pm_card_networkTrouble"


@pytest.fixture(params=[True, False], ids=["keeps tries", "one try an order"])
def two(request, new_world, new_shop):
    """A shop with two gateways."""
    return new_shop(new_world("second", keeps_tries=request.param))


def charges(shop) -> int:
    return sum(gateway.charges.total() for gateway in shop.world.gateways.all.values())


async def pay_with_everything(shop, payment: Payment) -> Payment:
    """The payer's browser does what it can with whatever it was ever given; time passes, and the payer tries on."""
    w = shop.world
    for gateway in w.gateways.all.values():
        gateway.faults, gateway.down = [], False
    payment = await w.payments.get(payment.name)
    for attempt in payment.attempts:
        w.gateways.named(attempt.gateway).confirmed(attempt.reference, VISA)
    for _ in range(3):
        payment = await shop.settle(payment)
        w.time += LOST_AFTER
        if payment.state not in (*CAPTURED, State.CANCELLED):
            payment = await shop.confirm(payment)
    return payment


@pytest.mark.parametrize("faults", list(product(["", "before", "after"], repeat=4)))
async def test_whatever_call_of_the_first_gateway_fails_there_is_one_charge(two, faults: tuple[str, ...]) -> None:
    """INVARIANT: never two charges, whether what was asked was done or not."""
    payment = await two.create()
    two.world.gateway.faults = list(faults)
    try:
        await two.confirm(payment)
    except Unavailable:
        assert faults[0]
    assert charges(two) <= 1
    after = await pay_with_everything(two, payment)
    assert (charges(two), after.state) == (1, State.SUCCEEDED)
    assert all(each.standing is not Standing.OPEN for each in after.attempts[:-1])


@pytest.mark.parametrize("fuse", range(1, 16))
@pytest.mark.parametrize("first", ["before", "after"])
async def test_wherever_the_process_dies_on_the_way_to_the_next_gateway_there_is_one_charge_or_none(
    two, crash, first: str, fuse: int
) -> None:
    """INVARIANT: never two charges, wherever it breaks off."""
    payment = await two.create()
    two.world.gateway.faults = [first]
    two.world.steps.fuse = fuse
    try:
        await two.confirm(payment, request="once")
    except crash:
        assert two.world.steps.fuse is None
    two.world.steps.fuse = None
    after = await two.confirm(payment, request="once")
    after = await pay_with_everything(two, after)
    assert charges(two) == (after.state is State.SUCCEEDED)


async def test_a_gateway_that_did_not_do_it_is_followed_by_the_next_with_what_the_browser_needs_for_it(two) -> None:
    payment = await two.create()
    two.world.gateway.faults = ["before"]
    moved = await two.confirm(payment, request="once")
    assert (moved.state, moved.current.gateway, moved.current.number) == (State.PENDING, "second", 2)
    assert moved.current.client == {"client_secret": f"{moved.current.reference}_secret"}
    assert moved.attempts[0].standing is Standing.CLOSED
    assert two.world.gateway.intents[payment.current.reference].state is IntentState.CANCELLED
    assert len({each.key for each in moved.attempts}) == 2
    assert (await two.confirm(payment, request="once")) == moved
    assert (await two.confirm(moved)).state is State.SUCCEEDED
    assert two.facts(payment) == [
        "PaymentCreated", "PaymentAttempted", "PaymentRerouted", "PaymentAttempted", "PaymentSucceeded",
    ]  # fmt: skip


async def test_trouble_of_the_networks_is_a_reason_to_go_on_and_a_decline_is_none(two) -> None:
    moved = await two.confirm(await two.create(), TROUBLE)
    assert (moved.current.gateway, moved.attempts[0].failure.code) == ("second", "processing_error")
    declined = await two.confirm(moved, DECLINED)
    assert (declined.state, declined.current.gateway, len(declined.attempts)) == (State.FAILED, "second", 2)


async def test_an_outcome_that_nobody_can_tell_is_waited_for(two) -> None:
    payment = await two.create()
    two.world.gateway.down = True
    with pytest.raises(Unavailable):
        await two.confirm(payment)
    waiting = await two.world.payments.get(payment.name)
    assert (waiting.state, len(waiting.attempts)) == (State.PROCESSING, 1)
    with pytest.raises(FailedPrecondition, match="PAYMENT_PROCESSING"):
        await two.confirm(payment)
    assert not two.world.gateways.named("second").calls["begin"]


async def test_an_old_refusal_that_still_stands_there_does_not_say_that_the_last_try_is_over(
    new_world, new_shop, monkeypatch
) -> None:
    two = new_shop(new_world("second"))
    payment = await two.confirm(await two.create(), DECLINED)
    first = two.world.gateway

    async def refuses_to_cancel(order, reference: str):
        return first.intents[payment.current.reference]

    monkeypatch.setattr(first, "cancel", refuses_to_cancel)
    first.faults = ["before"]
    with pytest.raises(Unavailable):
        await two.confirm(payment)
    assert not two.world.gateways.named("second").calls["begin"]


async def test_with_no_other_gateway_trouble_is_a_failure_that_may_be_tried_again(shop) -> None:
    failed = await shop.confirm(await shop.create(), TROUBLE)
    assert (failed.state, failed.current.failure.kind) == (State.FAILED, FailureKind.GATEWAY)
    assert (await shop.confirm(failed)).state is State.SUCCEEDED


async def test_when_the_next_gateway_is_down_too_nothing_is_taken_and_another_try_begins_again(two) -> None:
    payment = await two.create()
    two.world.gateway.faults = ["before"]
    two.world.gateways.named("second").down = True
    failed = await two.confirm(payment)
    assert (failed.state, failed.current.standing) == (State.FAILED, Standing.CLOSED)
    assert (await two.settle(failed)).state is State.FAILED
    paid = await two.confirm(failed)
    assert (paid.state, paid.current.number, charges(two)) == (State.SUCCEEDED, 2, 1)


async def test_after_trouble_of_the_gateway_another_try_goes_to_the_best_there_is_by_then(two) -> None:
    payment = await two.create()
    two.world.gateway.faults = ["before"]
    two.world.gateways.named("second").down = True
    failed = await two.confirm(payment)
    two.world.gateways.named("second").down = False
    two.world.gateways.settings = PaymentSettings(order=("second",))
    again = await two.confirm(failed, request="once")
    assert (again.state, again.current.gateway) == (State.PENDING, "second")
    assert not charges(two)
    assert (await two.confirm(again)).state is State.SUCCEEDED


async def test_a_gateway_that_takes_no_orders_is_passed_over_when_a_payment_begins(two) -> None:
    two.world.gateway.faults = ["after"]
    payment = await two.create()
    assert (payment.current.gateway, payment.current.number) == ("second", 1)
    assert [each.gateway for each in payment.current.route] == ["stripe", "second"]
    assert all(each.reasons for each in payment.current.route)


async def test_a_try_after_a_decline_is_the_same_order_only_where_the_gateway_keeps_tries(two) -> None:
    again = await two.confirm(await two.confirm(await two.create(), DECLINED))
    assert again.state is State.SUCCEEDED
    assert {each.gateway for each in again.attempts} == {"stripe"}
    assert len(again.attempts) == (1 if two.world.gateway.keeps_tries else 2)
    assert charges(two) == 1


async def test_another_way_to_pay_calls_the_first_off(two) -> None:
    first = await two.create()
    second = await two.create(chosen=Chosen(gateway="second"))
    assert second.current.gateway == "second"
    assert (await two.world.payments.get(first.name)).state is State.CANCELLED
    assert two.world.gateway.confirmed(first.current.reference, VISA).state is IntentState.CANCELLED
    assert (await two.create()).name == second.name


async def test_what_an_organizer_excludes_is_not_used_not_even_when_the_other_fails(two) -> None:
    two.world.gateways.settings = PaymentSettings(excluded=("second",))
    payment = await two.create()
    two.world.gateway.faults = ["before"]
    with pytest.raises(Unavailable):
        await two.confirm(payment)


async def test_without_any_gateway_that_may_be_used_nothing_begins(two) -> None:
    two.world.gateways.settings = PaymentSettings(pinned="third")
    with pytest.raises(FailedPrecondition, match="NO_GATEWAY"):
        await two.create()
    assert not two.world.journal.rows


async def late_money(shop, *, paid_first: bool) -> Payment:
    """A payment that moved on, and whose first order was paid although it was called off."""
    payment = await shop.create()
    shop.world.gateway.faults = ["before"]
    moved = await shop.confirm(payment)
    if paid_first:
        await shop.confirm(moved)
    shop.world.gateway.late(payment.current.reference)
    w = shop.world
    await receive_notice(w.payments, w.gateways, "stripe", w.gateway.notices[-1], clock=w.now)
    return await w.payments.get(payment.name)


async def test_late_money_of_an_earlier_order_pays_and_the_later_order_is_called_off(two) -> None:
    paid = await late_money(two, paid_first=False)
    assert (paid.state, paid.paid_by, paid.current.gateway) == (State.SUCCEEDED, 1, "stripe")
    after = await two.settle(paid)
    assert (after.work, [each.standing for each in after.attempts]) == (None, [Standing.PAID, Standing.CLOSED])
    other = two.world.gateways.named("second")
    assert other.confirmed(after.attempts[1].reference, VISA).state is IntentState.CANCELLED
    assert charges(two) == 1


async def test_money_that_came_twice_goes_back_by_itself_once_and_leaves_the_payment_as_it_is(two) -> None:
    """INVARIANT: of two charges, which only a gateway's own fault can bring, one goes back."""
    paid = await late_money(two, paid_first=True)
    assert (paid.state, paid.paid_by, [each.reason for each in paid.refunds]) == (State.SUCCEEDED, 2, [SURPLUS])
    for _ in range(2):
        paid = await two.settle(paid)
    surplus = paid.refunds[0]
    assert (surplus.state, surplus.attempt) == (RefundState.COMPLETED, 1)
    assert (paid.state, paid.refundable, paid.work) == (State.SUCCEEDED, paid.amount, None)
    assert list(two.world.gateway.refunds[paid.attempts[0].reference]) == [refund_key(paid, surplus)]
    w = two.world
    await receive_notice(w.payments, w.gateways, "stripe", w.gateway.notices[-1], clock=w.now)
    assert len((await w.payments.get(paid.name)).refunds) == 1


async def test_a_payment_has_a_bounded_number_of_attempts(new_world, new_shop) -> None:
    shop = new_shop(new_world(keeps_tries=False))
    payment = await shop.create()
    with pytest.raises(ResourceExhausted, match="ATTEMPTS_TOO_MANY"):
        for _ in range(MOST_ATTEMPTS + 1):
            payment = await shop.confirm(payment, DECLINED)
    assert len(payment.attempts) == MOST_ATTEMPTS


async def test_reserved_money_is_taken_once_when_it_is_captured(two) -> None:
    two.world.gateways.settings = PaymentSettings(reserve=True)
    reserved = await two.confirm(await two.create())
    assert (reserved.state, charges(two)) == (State.AUTHORIZED, 0)
    two.world.gateway.faults = ["after"]
    with pytest.raises(Refusal):
        await two.capture(reserved, "once")
    for _ in range(2):
        taken = await two.capture(reserved, "once")
        assert taken.state is State.SUCCEEDED
    assert charges(two) == 1
    with pytest.raises(FailedPrecondition, match="PAYMENT_SUCCEEDED"):
        await two.capture(reserved, "again")


async def test_a_payment_is_about_the_part_of_what_was_reserved_that_was_taken(two) -> None:
    """INVARIANT: no more than what was captured is ever paid back."""
    two.world.gateways.settings = PaymentSettings(reserve=True)
    reserved = await two.confirm(await two.create())
    part = Money(reserved.amount.minor_units - 1, reserved.amount.currency)
    two.world.gateway.faults = ["after"]
    with pytest.raises(Refusal):
        await two.capture(reserved, "once", part)
    taken = await two.capture(reserved, "once", part)
    assert (taken.state, taken.amount, taken.refundable, charges(two)) == (State.SUCCEEDED, part, part, 1)
    with pytest.raises(FailedPrecondition, match="REFUND_EXCEEDS_CAPTURE"):
        await two.refund(taken, reserved.amount.minor_units)
    assert (await two.refund(taken)).state is State.REFUNDED


@pytest.mark.parametrize(
    ("amount", "kind", "reason"),
    [
        (Money(0, "CAD"), InvalidArgument, "AMOUNT_INVALID"),
        (Money(10**9, "CAD"), FailedPrecondition, "CAPTURE_EXCEEDS_RESERVED"),
        (Money(1, "KWD"), InvalidArgument, "CURRENCY_MISMATCH"),
    ],
)
async def test_what_is_not_reserved_is_not_taken(two, amount: Money, kind: type[Refusal], reason: str) -> None:
    two.world.gateways.settings = PaymentSettings(reserve=True)
    reserved = await two.confirm(await two.create())
    with pytest.raises(kind) as caught:
        await two.capture(reserved, "once", amount)
    assert (caught.value.reason, charges(two)) == (reason, 0)


async def test_reserved_money_that_is_called_off_is_let_go(two) -> None:
    two.world.gateways.settings = PaymentSettings(reserve=True)
    reserved = await two.confirm(await two.create())
    cancelled = await two.cancel(reserved)
    assert (cancelled.state, charges(two)) == (State.CANCELLED, 0)
    with pytest.raises(FailedPrecondition, match="PAYMENT_CANCELLED"):
        await two.cancel(reserved)


async def test_what_is_paid_cannot_be_called_off_even_when_we_hear_of_it_only_then(two) -> None:
    payment = await two.create()
    two.world.gateway.confirmed(payment.current.reference, VISA)
    with pytest.raises(FailedPrecondition, match="PAYMENT_SUCCEEDED"):
        await two.cancel(payment)
    assert (await two.world.payments.get(payment.name)).state is State.SUCCEEDED
