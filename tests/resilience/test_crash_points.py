"""Every named crash point: a process dies there, comes back, and everything goes on as if nothing had been."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pytest
from audit import come_to_rest, journals_are_in_order
from errands import Errands
from havoc import leave_alone
from money import money_comes_to_rest
from onsale import World
from trials import Trial, put_to_trial

from local_stack.stack import Stack
from testkit.sources import crash_points

pytestmark = pytest.mark.timeout(3000)
AFTER_A_LOSS = 600.0  # seconds; all that was ever published is read again, also that of the tests before
FEW_SECONDS = {"USHER_HOLD_SECONDS": "1"}


# Others take over such an import after a minute, which goes by while the other trials last.
FIRST = [Trial("booking", ["booking.import.before_chunk"], lambda on: on.attendees_are_imported)]
# Points of libraries are reached in every service; each is tried in one.
SECOND = [
    Trial(
        "user",
        ["journal.before_commit", "journal.after_commit", "store.before_commit", "store.after_commit"],
        lambda on: on.somebody_registers,
    ),
    Trial(
        "event",
        ["repository.before_commit", "repository.after_commit", "relay.before_publish", "relay.after_publish",
         "relay.after_mark", "outbox.before_marks", "outbox.after_marks"],
        lambda on: on.an_event_is_drafted,
    ),
    Trial(
        "booking",
        ["booking.lane.before_commit", "booking.lane.after_commit", "booking.announcement.before_commit",
         "booking.announcement.after_commit"],
        lambda on: on.a_free_place_is_booked,
    ),
    Trial(
        "payment",
        ["payment.after_begin", "payment.before_confirm", "payment.work.after_taken",
         "payment.after_confirm", "payment.webhook.after_kept", "payment.webhook.after_taken",
         "payment.notice.before_settled", "payment.notice.after_settled", "payment.webhook.after_done",
         "payment.before_refund", "payment.after_repeated_refund", "payment.after_refund",
         "ledger.before_chained", "ledger.after_chained", "invoices.before_issued", "invoices.after_issued"],
        lambda on: on.a_booking_is_paid_and_cancelled,
        beside={
            "payment.work.after_taken": "payment.before_confirm",
            "payment.webhook.after_taken": "payment.webhook.after_kept",
            # What comes again after a start passes: else it is in the way each time.
            "payment.after_repeated_refund": "payment.before_refund:2",
        },
    ),
    Trial(
        "notification",
        ["consumer.before_handler", "consumer.after_handler", "notification.before_smtp", "notification.after_smtp",
         "consumer.before_park", "consumer.after_park", "consumer.after_unpark"],
        lambda on: on.somebody_books_before_anybody_heard_of_them,
    ),
    Trial(
        "search",
        ["projection.before_store", "projection.after_store", "elastic.before_write", "elastic.after_write"],
        lambda on: on.an_event_is_drafted,
    ),
    Trial(
        "analytics",
        ["consumer.before_position", "consumer.after_position", "consumer.before_offsets", "consumer.after_offsets",
         "analytics.facts.before_file", "analytics.facts.before_unmark", "analytics.facts.before_shown",
         "analytics.sheets.before_replace"],
        lambda on: on.a_free_place_is_booked,
    ),
]  # fmt: skip
THIRD = [
    Trial("event", ["event.import.before_commit", "event.import.after_commit"], lambda on: on.events_are_imported),
    Trial(
        "booking",
        ["booking.waiting_room.before_commit", "booking.waiting_room.after_commit"],
        lambda on: on.somebody_joins_the_waiting_room,
    ),
    Trial("payment", ["payment.after_cancel"], lambda on: on.a_booking_is_cancelled_before_it_is_paid),
    Trial(
        "search", ["dead_letters.before_publish", "dead_letters.after_publish"], lambda on: on.somebody_sends_nonsense
    ),
]
FOURTH = [
    Trial(
        "booking",
        ["booking.expiry.before_expire", "booking.expiry.after_expire"],
        lambda on: on.a_place_is_held,
        environment=FEW_SECONDS,
    ),
    # After the broker has lost its log.
    Trial("event", ["refill.after_mark_lost", "refill.after_padding"], lambda on: on.an_event_is_drafted),
    Trial("search", ["consumer.before_rewind", "consumer.after_rewind"], lambda on: on.an_event_is_drafted),
]


async def lose_the_log(stack: Stack) -> None:
    """As a broker does whose disk is gone; the index is in the same process."""
    await stack.kill("noida")
    shutil.rmtree(stack.folder / "noida")
    await stack.up(only=["noida"])


def params_of(item: pytest.Item) -> Mapping[str, str]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None or item.module.__name__ != __name__ else callspec.params


def about(trials: Sequence[Trial], points: Collection[str]) -> list[Trial]:
    """What of the trials is about these points."""
    found = [replace(trial, points=[each for each in trial.points if each in points]) for trial in trials]
    return [trial for trial in found if trial.points]


@pytest.fixture(scope="module")
def died(request: pytest.FixtureRequest, stack: Stack, world: World) -> Counter[str]:
    """Crash point → how often a process died there; only those that are asked for (`-k`) are tried."""
    died: Counter[str] = Counter()
    points = {name for item in request.session.items if (name := params_of(item).get("point"))}
    errands = Errands(world)
    asyncio.run(leave_alone(stack, "booking", "booking-2"))

    async def everything() -> None:
        for trials in (FIRST, SECOND, THIRD):
            if chosen := about(trials, points):
                await put_to_trial(stack, errands, chosen, died)
                await money_comes_to_rest(world, errands.paid)
        if chosen := about(FOURTH, points):
            await lose_the_log(stack)
            await put_to_trial(stack, errands, chosen, died)

    asyncio.run(everything())
    asyncio.run(stack.up())
    asyncio.run(come_to_rest(world, errands.free, within=AFTER_A_LOSS))
    asyncio.run(come_to_rest(world, errands.paid))
    asyncio.run(journals_are_in_order(world))
    return died


@pytest.mark.long
@pytest.mark.parametrize("point", sorted(crash_points()))
def test_a_process_that_dies_there_leaves_everything_in_order(point: str, died: Counter[str]) -> None:
    """INVARIANT: there is no step after which a crash loses or doubles anything."""
    assert died[point], "no trial reaches it: add it to one of those above"


def test_no_trial_is_about_a_point_that_is_gone() -> None:
    tried = [point for trial in (*FIRST, *SECOND, *THIRD, *FOURTH) for point in trial.points]
    assert sorted(tried) == sorted(crash_points())
