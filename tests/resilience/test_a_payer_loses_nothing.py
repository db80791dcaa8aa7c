"""Whatever dies where while people pay: gateways, ledger, bookings and tickets come to tell the same story.

By its name before the campaign: each trial ends with a look at all there is, which takes minutes after that.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from audit import come_to_rest, journals_are_in_order
from bought import Payers
from havoc import leave_alone
from money import money_comes_to_rest
from onsale import Sale, World, open_sale
from trials import Trial, put_to_trial

from local_stack.stack import Stack
from testkit.sources import crash_points

pytestmark = pytest.mark.timeout(300)
# Points that are only reached after something else has gone wrong.
BESIDE = {
    "payment.work.after_taken": "payment.before_confirm",
    "payment.webhook.after_taken": "payment.webhook.after_kept",
    # What comes again after a start passes: else it is in the way each time.
    "payment.after_repeated_refund": "payment.before_refund:2",
}
# Points that nobody reaches who pays.
UNPAID = {"payment.after_cancel"}
# Points of libraries, in the process whose money they hold up; at the third time, for a start reaches some of them too.
SHARED = (
    "journal.before_commit", "journal.after_commit", "store.before_commit", "store.after_commit",
    "relay.before_publish", "relay.after_publish", "relay.after_mark", "outbox.before_marks", "outbox.after_marks",
    "consumer.before_handler", "consumer.after_handler", "consumer.before_position", "consumer.after_position",
    "consumer.before_offsets", "consumer.after_offsets",
)  # fmt: skip
OWN = {
    "payment": sorted(each for each in crash_points() if each.startswith(("payment.", "ledger.", "invoices."))),
    "booking": sorted(each for each in crash_points() if each.startswith(("booking.lane.", "booking.announcement."))),
}
TRIALS = [
    *((process, point, 1) for process, points in OWN.items() for point in points),
    *((process, point, 3) for process in OWN for point in SHARED),
]
# Between the money's move and our note of it, before and after the books, and where the ticket is issued.
SHORT = [
    ("payment", "payment.after_confirm", 1), ("payment", "ledger.after_chained", 1),
    ("booking", "booking.lane.after_commit", 1),
]  # fmt: skip


@pytest.fixture(scope="module")
def payers(stack: Stack, world: World) -> Iterator[Payers]:
    """One booking replica, so that everything reaches the one that dies."""
    payers = Payers(world, open_sale(world, 100_000, euros=20))
    asyncio.run(leave_alone(stack, "booking", "booking-2"))
    yield payers
    asyncio.run(stack.up())


async def survive(stack: Stack, world: World, payers: Payers, process: str, point: str, times: int) -> None:
    died: Counter[str] = Counter()
    beside = {point: BESIDE[point]} if point in BESIDE else {}
    errand = payers.one_goes_away if point in UNPAID else payers.some_pay_and_one_cancels
    await put_to_trial(stack, payers, [Trial(process, [point], lambda _: errand, beside, times=times)], died)
    assert died[point]
    await all_tell_the_same(world, payers.sale)


async def all_tell_the_same(world: World, sale: Sale) -> None:
    await money_comes_to_rest(world, sale)
    await come_to_rest(world, sale)
    await journals_are_in_order(world)


@pytest.fixture(autouse=True)
def everything_runs(payers: Payers) -> None:
    """But for the second booking replica."""
    asyncio.run(payers.world.stack.up(only=[name for name in process_names(payers) if name != "booking-2"]))


def process_names(payers: Payers) -> list[str]:
    return [each.name for each in payers.world.stack.specs()]


@pytest.mark.parametrize(("process", "point", "times"), SHORT)
def test_money_and_tickets_agree_after_a_death(
    process: str, point: str, times: int, stack: Stack, world: World, payers: Payers
) -> None:
    """INVARIANT: a crash neither loses nor doubles money, nor a ticket for it."""
    asyncio.run(survive(stack, world, payers, process, point, times))


@pytest.mark.long
@pytest.mark.parametrize(("process", "point", "times"), TRIALS)
def test_money_and_tickets_agree_after_a_death_anywhere(
    process: str, point: str, times: int, stack: Stack, world: World, payers: Payers
) -> None:
    """INVARIANT: a crash neither loses nor doubles money, nor a ticket for it."""
    asyncio.run(survive(stack, world, payers, process, point, times))


def test_every_point_of_payment_and_ledger_is_tried() -> None:
    assert {point for _, point, _ in TRIALS} >= {
        each for each in crash_points() if each.startswith(("payment.", "ledger.", "invoices.", "booking.lane."))
    }
    assert {each[:2] for each in SHORT} <= {each[:2] for each in TRIALS}
