"""The payment aggregate: attempts, what the gateway says, refunds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, ResourceExhausted
from payment_service.domain import domain_events as facts
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.gateways import (
    Action as Deed,
)
from payment_service.domain.gateways import (
    ActionKind,
    Failure,
    GatewayRefund,
    Intent,
    IntentState,
    MethodKind,
    Progress,
)
from payment_service.domain.open_work import GIVE_UP_SLOW, Work, next_look
from payment_service.domain.payment import LOST, LOST_AFTER, Payment, begun
from payment_service.domain.states import CAPTURED, LIFE, Action, State

NOW = datetime(2027, 3, 1, tzinfo=UTC)
OPEN = Intent("pi_1", IntentState.OPEN, {"client_secret": "secret"}, trace="0")
ACTION = Deed(ActionKind.REDIRECT, "https://bank")
DECLINE = replace(OPEN, failure=Failure("card_declined", "No."), trace="1")
TOLD = {
    Action.AUTHORIZE: Intent("pi_1", IntentState.AUTHORIZED, trace="2"),
    Action.SUCCEED: Intent("pi_1", IntentState.SUCCEEDED, disputed=False, trace="2"),
    Action.CANCEL: Intent("pi_1", IntentState.CANCELLED, trace="2"),
    Action.REQUIRE_ACTION: Intent("pi_1", IntentState.ACTION_REQUIRED, action=ACTION, trace="2"),
    Action.FAIL: DECLINE,
}
NONE_LEFT = {"REFUND_EXCEEDS_CAPTURE"}


def payment(state: State = State.PENDING) -> Payment:
    captured = state in CAPTURED
    standing = Standing.PAID if captured else Standing.OPEN
    attempt = Attempt(
        1, "stripe", "card", MethodKind.TOKEN, "0" * 32, NOW, reference="pi_1", trace="0", confirm_time=NOW,
        standing=standing,
    )  # fmt: skip
    made, _ = begun(Payment("payments/p", "b", "users/u", "organizers/o", Money(1000, "CAD"), (attempt,), NOW, NOW))
    return replace(made, state=state, paid_by=int(captured), succeed_time=NOW if captured else None)


def paid(*refunds: tuple[str, int]) -> Payment:
    it = payment(State.SUCCEEDED)
    for id, amount in refunds:
        it, _ = it.with_refund(id, Money(amount, "CAD"), "", "users/u", NOW)
    return it


def done(it: Payment, id: str, progress: Progress = Progress.SUCCEEDED) -> tuple[Payment, list[object]]:
    after, made = it.refund_answered(id, GatewayRefund("re_1", progress), NOW)
    return after, list(made)


@pytest.mark.parametrize("state", State)
def test_an_attempt_starts_where_the_table_says(state: State) -> None:
    if LIFE.allows(state, Action.ATTEMPT):
        after, made = payment(state).attempted("tok", NOW)
        assert (after.state, after.current.tries, made) == (State.PROCESSING, 1, [facts.PaymentAttempted()])
    else:
        with pytest.raises(FailedPrecondition, match=f"PAYMENT_{state.name}"):
            payment(state).attempted("tok", NOW)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", TOLD)
def test_what_the_gateway_says_counts_only_where_the_table_has_a_row(state: State, action: Action) -> None:
    before = payment(state)
    after, made = before.answered(TOLD[action], NOW)
    if LIFE.allows(state, action):
        assert after.state is LIFE.after(state, action)
        assert len(made) == 1
    elif (state, action) == (State.DISPUTED, Action.SUCCEED):  # undisputed again
        assert made == [facts.PaymentDisputeClosed()]
    else:
        assert (after, made) == (before, [])


def another(number: int = 2) -> Attempt:
    return Attempt(number, "other", "card", MethodKind.TOKEN, "1" * 32, NOW)


@pytest.mark.parametrize("state", [State.FAILED, State.PROCESSING, State.REQUIRES_ACTION])
@pytest.mark.parametrize(
    ("end", "over"),
    [
        (Intent("pi_1", IntentState.CANCELLED), True),
        (DECLINE, True),
        (OPEN, False),
        (Intent("pi_1", IntentState.PROCESSING), False),
        (Intent("pi_1", IntentState.AUTHORIZED), False),
        (Intent("pi_1", IntentState.SUCCEEDED), False),
    ],
)
def test_an_attempt_that_may_still_be_paid_has_no_other_after_it(state: State, end: Intent, over: bool) -> None:
    """INVARIANT: the next attempt exists only after the one before is over."""
    if over:
        after, made = payment(state).rerouted(another(), end, NOW)
        assert (after.state, made) == (State.PENDING, [facts.PaymentRerouted()])
        assert [each.standing for each in after.attempts] == [Standing.CLOSED, Standing.OPEN]
    else:
        with pytest.raises(ValueError, match="may still be paid"):
            payment(state).rerouted(another(), end, NOW)


def test_attempts_are_numbered_without_gaps_and_none_follows_money() -> None:
    end = Intent("pi_1", IntentState.CANCELLED)
    with pytest.raises(ValueError, match="another attempt"):
        payment(State.FAILED).rerouted(another(3), end, NOW)
    closed = replace(payment(State.FAILED).attempts[0], standing=Standing.CLOSED)
    with pytest.raises(ValueError, match="or money"):
        replace(payment(State.FAILED), attempts=(closed,), paid_by=1).rerouted(another(), end, NOW)
    with pytest.raises(FailedPrecondition, match="PAYMENT_PENDING"):
        replace(payment(), attempts=(closed,)).rerouted(another(), end, NOW)


def test_a_dispute_holds_refunds_up_until_it_is_over() -> None:
    disputed = replace(TOLD[Action.SUCCEED], disputed=True)
    it, made = paid().settled({1: disputed}, {}, NOW)
    assert (it.state, made) == (State.DISPUTED, [facts.PaymentDisputed()])
    assert it.settled({1: disputed}, {}, NOW) == (it, [])
    with pytest.raises(FailedPrecondition, match="PAYMENT_DISPUTED"):
        it.with_refund("z", None, "", "users/u", NOW)
    kept, made = it.settled({1: TOLD[Action.SUCCEED]}, {}, NOW)
    assert (kept.state, made) == (State.SUCCEEDED, [facts.PaymentDisputeClosed()])
    part, _ = done(paid(("a", 400)), "a")
    part, _ = part.settled({1: disputed}, {}, NOW)
    assert part.settled({1: TOLD[Action.SUCCEED]}, {}, NOW)[0].state is State.PARTLY_REFUNDED


def test_an_order_is_known_by_its_key_and_by_every_reference_it_has_had() -> None:
    it, _ = payment().answered(replace(TOLD[Action.SUCCEED], reference="ch_1"), NOW)
    assert (it.current.reference, it.current.former) == ("ch_1", ("pi_1",))
    assert [it.attempt_with("0" * 32, ""), it.attempt_with("", "pi_1"), it.attempt_with("", "ch_1")] == [1, 1, 1]
    assert it.attempt_with("", "") == it.attempt_with("x", "y") == 0


def test_an_order_says_when_it_was_sent_or_when_its_token_was() -> None:
    """For a gateway that hears of it only with the token, what may still be on its way was sent then."""
    it = replace(payment(), attempts=(replace(payment().current, confirm_time=None),))
    later = NOW + timedelta(minutes=5)
    asked, _ = it.attempted("tok", later)
    assert (it.order(it.current, "").create_time, asked.order(asked.current, "").create_time) == (NOW, later)
    page = replace(asked.current, kind=MethodKind.QR_CODE)
    assert asked.order(page, "").create_time == NOW


def test_a_token_and_an_address_are_kept_only_until_it_is_decided() -> None:
    asked, _ = replace(payment(), buyer_email="a@b.example").attempted("tok", NOW)
    assert asked.token == "tok"
    assert asked.answered(DECLINE, NOW)[0].token == ""
    after, _ = asked.answered(TOLD[Action.SUCCEED], NOW)
    assert (after.token, after.buyer_email) == ("", "")


def test_an_attempt_the_gateway_has_not_heard_of_is_waited_for_and_then_lost() -> None:
    waiting, _ = payment().attempted("tok", NOW)
    assert waiting.settled({1: OPEN}, {}, NOW + LOST_AFTER - timedelta(seconds=1)) == (waiting, [])
    lost, made = waiting.settled({1: OPEN}, {}, NOW + LOST_AFTER)
    assert (lost.state, lost.current.failure, made) == (State.FAILED, LOST, [facts.PaymentFailed()])


def test_the_decline_of_an_earlier_attempt_says_nothing_about_this_one() -> None:
    failed, _ = payment().answered(DECLINE, NOW)
    again, _ = failed.attempted("tok", NOW)
    assert again.settled({1: DECLINE}, {}, NOW) == (again, [])
    assert again.settled({1: replace(DECLINE, trace="2")}, {}, NOW)[0].state is State.FAILED


def test_a_decline_is_told_once() -> None:
    failed, _ = payment().settled({1: DECLINE}, {}, NOW)
    assert failed.current.failure == DECLINE.failure
    assert failed.settled({1: DECLINE}, {}, NOW) == (failed, [])


def test_money_that_came_after_it_was_called_off_counts_and_blocks_no_other_payment() -> None:
    off, _ = payment().answered(TOLD[Action.CANCEL], NOW)
    assert not off.open
    came, made = off.settled({1: TOLD[Action.SUCCEED]}, {}, NOW)
    assert (came.state, came.open, made) == (State.SUCCEEDED, False, [facts.PaymentSucceeded()])


def test_a_refund_in_parts_ends_when_all_is_back() -> None:
    it = paid(("a", 400), ("b", 600))
    assert (it.refundable, it.refunded, it.work) == (Money(0, "CAD"), Money(0, "CAD"), Work.URGENT)
    it, made = done(it, "a")
    assert (it.state, made) == (State.PARTLY_REFUNDED, [facts.RefundCompleted("a")])
    it, _ = done(it, "b")
    assert (it.state, it.refunded, it.work, it.open) == (State.REFUNDED, Money(1000, "CAD"), None, False)
    assert done(it, "b") == (it, [])


def test_a_failed_refund_can_be_asked_for_again() -> None:
    it, made = done(paid(("a", 1000)), "a", Progress.FAILED)
    assert (it.state, it.refundable, made) == (State.SUCCEEDED, Money(1000, "CAD"), [facts.RefundFailed("a")])
    assert it.with_refund("b", None, "", "users/u", NOW)[1] == [facts.RefundRequested("b")]


@pytest.mark.parametrize(
    ("it", "amount", "reason"),
    [
        (paid(), Money(1001, "CAD"), "REFUND_EXCEEDS_CAPTURE"),
        (paid(("a", 1)), Money(1000, "CAD"), "REFUND_EXCEEDS_CAPTURE"),
        (paid(("a", 1000)), None, "REFUND_EXCEEDS_CAPTURE"),
        (done(paid(("a", 1000)), "a")[0], None, "REFUND_EXCEEDS_CAPTURE"),
        (payment(), None, "PAYMENT_PENDING"),
        (payment(State.FAILED), Money(1, "CAD"), "PAYMENT_FAILED"),
    ],
)
def test_no_more_goes_back_than_has_come(it: Payment, amount: Money | None, reason: str) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        it.with_refund("z", amount, "", "users/u", NOW)
    assert caught.value.reason == reason
    assert ("refundable" in caught.value.metadata) == (reason in NONE_LEFT)


@pytest.mark.parametrize("amount", [Money(0, "CAD"), Money(-1, "CAD"), Money(1, "EUR")])
def test_an_amount_that_is_none_is_refused(amount: Money) -> None:
    with pytest.raises(InvalidArgument):
        paid().with_refund("z", amount, "", "users/u", NOW)


def test_a_refund_by_itself_takes_what_is_left_or_nothing() -> None:
    after, _ = paid(("a", 400)).with_refund_of_at_most("z", Money(1000, "CAD"), "", "services/payment", NOW)
    assert after.refunds[-1].amount == Money(600, "CAD")
    assert after.with_refund_of_at_most("y", None, "", "services/payment", NOW) == (after, [])


def test_a_payment_has_a_bounded_number_of_refunds() -> None:
    with pytest.raises(ResourceExhausted, match="REFUNDS_TOO_MANY"):
        paid(*((str(n), 1) for n in range(101)))


def test_it_is_looked_at_ever_more_rarely_and_in_the_end_not_at_all() -> None:
    waits = []
    now: datetime | None = NOW
    while now is not None and now - NOW <= GIVE_UP_SLOW:
        following = next_look(Work.SLOW, NOW, now)
        if following is not None:
            waits.append(following - now)
        now = following
    assert waits == sorted(waits)
    assert len(waits) < 60
    assert next_look(Work.URGENT, NOW, NOW) == NOW + timedelta(seconds=1)
    assert next_look(Work.URGENT, NOW, NOW + timedelta(days=30)) is not None
