"""The lanes over the in-memory journal and over the embedded database: one suite."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.commands import Cancel, ClaimPayment, Confirm, Expire
from booking_service.domain.offer import OfferState
from booking_service.domain.states import BookingState
from booking_service.outbound.desk import BatchDesk, expiry_cause
from booking_service.outbound.documents import BOOKINGS, INVENTORY
from booking_service.outbound.lane_metrics import PrometheusLaneMetrics
from booking_service.outbound.lanes import Lanes, Waiting
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.money import Money
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from mongo_store import MongoOutbox
from telemetry import Metrics
from testkit.memory import MemoryJournal, MemoryOutbox


async def results_of(calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def on_sale(make, lanes, **changes):
    await lanes.submit(make.project(make.offer(**changes)), make.cause())


def by_kind(results):
    ok = [each for each in results if not isinstance(each, BaseException)]
    return ok, [each for each in results if isinstance(each, BaseException)]


async def taken(journal, make):
    return (await MongoStocks(journal).stock(make.EVENT)).inventory.taken


async def places_of_live_bookings(journal):
    live = {"$in": ["HELD", "CONFIRMED"]}
    return sum(line["quantity"] for each in await journal.find(BOOKINGS, {"state": live}) for line in each["lines"])


async def test_200_buyers_get_exactly_the_50_places(make, journal):
    """INVARIANT: as many places are sold as there are, no more and no fewer, and the rest are told SOLD_OUT."""
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes)
    held, refused = by_kind(
        await results_of(lanes.submit(make.hold(f"users/{number}"), make.cause()) for number in range(200))
    )
    assert len({booking.name for booking in held}) == 50
    assert {type(each) for each in refused} == {FailedPrecondition}
    assert {each.reason for each in refused} == {"SOLD_OUT"}
    assert await taken(journal, make) == {"hall": 50}
    assert len(await journal.find(BOOKINGS, {})) == 50


async def test_two_replicas_on_one_event_never_oversell_nor_refuse_while_places_are_left(make, journal):
    """INVARIANT: correctness does not depend on which replica a command reaches."""
    replicas = [make.lanes_on(journal, batch=8) for _ in range(2)]
    await on_sale(make, replicas[0])

    async def buy_and_sometimes_cancel(number):
        lanes = replicas[number % 2]
        booking = await lanes.submit(make.hold(f"users/{number}"), make.cause())
        if number % 3 == 0:
            off = Cancel(make.EVENT, booking.name, "")
            return await replicas[(number + 1) % 2].submit(off, make.cause())
        return booking

    done, refused = by_kind(await results_of(buy_and_sometimes_cancel(number) for number in range(120)))
    assert {each.reason for each in refused} <= {"SOLD_OUT"}
    live = [each for each in done if each.state is BookingState.HELD]
    assert await taken(journal, make) == {"hall": len(live)}
    assert await places_of_live_bookings(journal) == len(live) <= 50
    rest = await results_of(replicas[number % 2].submit(make.hold(), make.cause()) for number in range(60))
    assert sum(not isinstance(each, BaseException) for each in rest) == 50 - len(live)
    assert await places_of_live_bookings(journal) == 50


async def test_a_repeated_request_gets_the_first_booking_also_when_all_is_sold(make, journal):
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    await on_sale(make, lanes, capacities={"hall": 1})
    cause = make.cause("users/ada|create|1", b"payload")
    first = await lanes.submit(make.hold(), cause)
    for replica in (lanes, other):
        assert await replica.submit(make.hold(), cause) == first
    with pytest.raises(InvalidArgument) as refused:
        await lanes.submit(make.hold(), replace(cause, fingerprint=b"other"))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert await taken(journal, make) == {"hall": 1}


async def test_one_request_sent_many_times_at_once_takes_one_place(make, journal):
    replicas = [make.lanes_on(journal) for _ in range(2)]
    await on_sale(make, replicas[0])
    cause = make.cause("users/ada|create|1", b"payload")
    answers = await asyncio.gather(*(replicas[number % 2].submit(make.hold(), cause) for number in range(12)))
    assert len({booking.name for booking in answers}) == 1
    assert await taken(journal, make) == {"hall": 1}


async def test_a_confirmation_repeated_after_a_cancellation_gets_the_first_answer(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, ticket_types=(make.type(price=Money(0, "EUR")),))
    booking = await lanes.submit(make.hold(), make.cause())
    cause = make.cause("confirm")
    confirmed = await lanes.submit(Confirm(make.EVENT, booking.name, make.Issuer()), cause)
    await lanes.submit(Cancel(make.EVENT, booking.name, ""), make.cause())
    assert await lanes.submit(Confirm(make.EVENT, booking.name, make.Issuer()), cause) == confirmed


async def test_a_refusal_in_a_batch_leaves_its_neighbours_alone(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes)
    results = await results_of(
        [
            lanes.submit(make.hold(standard=2), make.cause()),
            lanes.submit(make.hold(standard=11), make.cause()),
            lanes.submit(make.hold(unknown=1), make.cause()),
            lanes.submit(make.hold(standard=3), make.cause()),
        ]
    )
    assert [getattr(each, "reason", "held") for each in results] == [
        "held", "TOO_MANY_IN_BOOKING", "RESOURCE_NOT_FOUND", "held",
    ]  # fmt: skip
    assert await taken(journal, make) == {"hall": 5}


async def test_a_fault_in_one_command_fails_that_command_only(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, ticket_types=(make.type(), make.type("gold", price=Money(2**62, "EUR"))))
    good, bad, fine = await results_of(
        [
            lanes.submit(make.hold(), make.cause()),
            lanes.submit(make.hold(gold=10), make.cause()),  # more than 64 bits hold
            lanes.submit(make.hold(), make.cause()),
        ]
    )
    assert good.state is fine.state is BookingState.HELD
    assert isinstance(bad, Exception)
    assert await taken(journal, make) == {"hall": 2}


async def test_the_history_of_a_booking_is_written_without_gaps(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes)
    booking = await lanes.submit(make.hold(), make.cause())
    paid = ClaimPayment(make.EVENT, booking.name, "payments/1", booking.total, make.Issuer())
    await lanes.submit(paid, make.cause())
    await lanes.submit(Cancel(make.EVENT, booking.name, ""), make.cause())
    stored = await MongoBookings(journal).get(booking.name)
    assert stored.version == 3
    outbox = MemoryOutbox(journal) if isinstance(journal, MemoryJournal) else MongoOutbox(journal)
    facts = [each async for each in outbox.everything()]
    assert [(each.type.rpartition(".")[2], each.version) for each in facts if each.subject == booking.name] == [
        ("BookingHeld", 1), ("BookingConfirmed", 2), ("BookingCancelled", 3),
    ]  # fmt: skip
    package = "usher.booking.v1"
    assert [each.trail for each in facts if each.subject == booking.name] == [
        "", f"{package}.BookingHeld=1", f"{package}.BookingHeld=1 {package}.BookingConfirmed=2",
    ]  # fmt: skip


async def test_a_late_payment_writes_both_facts_and_takes_the_places_back(make, journal, clock):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes)
    booking = await lanes.submit(make.hold(standard=2), make.cause())
    clock.advance(minutes=11)
    paid = ClaimPayment(make.EVENT, booking.name, "payments/1", booking.total, make.Issuer())
    confirmed = await lanes.submit(paid, make.cause())
    assert (confirmed.state, confirmed.version) == (BookingState.CONFIRMED, 3)
    assert await taken(journal, make) == {"hall": 2}


async def test_an_offer_changed_by_another_replica_counts_at_once(make, journal):
    """INVARIANT: nothing is sold on an offer older than the last commit of the event."""
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    await on_sale(make, lanes)
    await lanes.submit(make.hold(), make.cause())
    await on_sale(make, other, version=2, capacities={"hall": 1})
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await lanes.submit(make.hold(), make.cause())
    await on_sale(make, other, version=3, state=OfferState.CANCELLED)
    with pytest.raises(FailedPrecondition, match="EVENT_NOT_ON_SALE"):
        await lanes.submit(make.hold(), make.cause())
    await on_sale(make, other, version=4, capacities={"hall": 2})
    assert await lanes.submit(make.hold(), make.cause())


async def test_holds_that_are_over_are_ended_before_anybody_hears_sold_out(make, journal, clock):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, capacities={"hall": 2})
    first = await lanes.submit(make.hold(standard=2), make.cause())
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await lanes.submit(make.hold(), make.cause())
    clock.advance(minutes=10)
    assert await lanes.submit(make.hold(standard=2), make.cause())
    assert (await MongoBookings(journal).get(first.name)).state is BookingState.EXPIRED
    assert await taken(journal, make) == {"hall": 2}


async def test_a_hold_that_two_sweepers_end_ends_once(make, journal, clock):
    replicas = [make.lanes_on(journal) for _ in range(2)]
    await on_sale(make, replicas[0])
    booking = await replicas[0].submit(make.hold(standard=3), make.cause())
    clock.advance(minutes=11)
    expire = Expire(make.EVENT, booking.name)
    await asyncio.gather(*(each.submit(expire, expiry_cause(booking)) for each in replicas * 3))
    assert await taken(journal, make) == {}
    assert (await MongoBookings(journal).get(booking.name)).version == 2


async def test_an_old_etag_is_refused_and_a_fresh_one_is_not(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes)
    booking = await lanes.submit(make.hold(), make.cause())
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await lanes.submit(Cancel(make.EVENT, booking.name, "", etag='"9"'), make.cause())
    assert await lanes.submit(Cancel(make.EVENT, booking.name, "", etag='"1"'), make.cause())


async def test_what_is_unknown_is_not_found(make, journal):
    lanes = make.lanes_on(journal)
    with pytest.raises(NotFound):
        await lanes.submit(make.hold(), make.cause())
    await on_sale(make, lanes)
    with pytest.raises(NotFound):
        await lanes.submit(Cancel(make.EVENT, f"{make.EVENT}/bookings/none", ""), make.cause())


async def test_a_caller_that_has_gone_takes_no_place(make, journal):
    lanes = make.lanes_on(journal, batch=1)
    await on_sale(make, lanes)
    calls = [asyncio.create_task(lanes.submit(make.hold(), make.cause())) for _ in range(4)]
    await asyncio.sleep(0)
    calls[2].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await taken(journal, make) == {"hall": 3}


async def test_a_full_lane_refuses_at_once_and_says_when_to_come_back(make, journal):
    lanes = make.lanes_on(journal, bound=3)
    await on_sale(make, lanes)
    results = await results_of(lanes.submit(make.hold(), make.cause()) for _ in range(5))
    held, refused = by_kind(results)
    assert len(held) == 3
    assert all(isinstance(each, ResourceExhausted) and each.reason == "LANE_FULL" for each in refused)
    assert all(each.retry_after > timedelta(0) for each in refused)


async def test_what_gathers_while_a_commit_is_in_flight_is_committed_at_once(make, journal):
    batches = []

    class Counting:
        def queued(self, commands): ...

        def conflicted(self): ...
        def refused(self, reason): ...

        def committed(self, commands, seconds):
            batches.append(commands)

    lanes = Lanes([BatchDesk(journal, metrics=Counting())])
    await on_sale(make, lanes, capacities={"hall": 100})
    first = asyncio.create_task(lanes.submit(make.hold(), make.cause()))
    while not lanes._lanes[0].running or lanes._lanes[0].queue:
        await asyncio.sleep(0)
    await asyncio.gather(first, *(lanes.submit(make.hold(), make.cause()) for _ in range(40)))
    assert batches in ([1, 1, 40], [1, 41])  # the first hold may be decided ahead of the commit before it


async def test_streams_hear_of_a_commit_before_the_callers_of_its_batch(make, journal):
    told = []

    def tell(stock):
        told.append((stock.inventory.version, [call.done() for call in waiting]))

    waiting: list[asyncio.Future] = []
    desk = BatchDesk(journal, on_change=tell)
    lanes = Lanes([desk])
    await on_sale(make, lanes)
    told.clear()
    batch = [Waiting(make.hold(), make.cause(), asyncio.get_running_loop().create_future()) for _ in range(3)]
    waiting += [each.done for each in batch]
    await desk.serve(batch)
    assert told == [((await MongoStocks(journal).stock(make.EVENT)).inventory.version, [False] * 3)]
    assert all(each.done() for each in waiting)


async def test_who_looks_at_idle_lanes_sees_nobody_waiting(make, journal):
    queued = []

    class Looking:
        def queued(self, commands):
            queued.append(commands)

        def conflicted(self): ...
        def refused(self, reason): ...
        def committed(self, commands, seconds): ...

    metrics = Looking()
    lanes = Lanes([BatchDesk(journal, metrics=metrics) for _ in range(2)], metrics=metrics)
    await on_sale(make, lanes, capacities={"hall": 100})
    await asyncio.gather(*(lanes.submit(make.hold(), make.cause()) for _ in range(40)))
    assert max(queued) > 1
    assert queued[-1] == 0


async def test_a_refused_booking_is_counted_by_its_reason_and_other_refusals_are_not(make, journal):
    metrics = Metrics("booking")
    lane_metrics = PrometheusLaneMetrics(metrics)
    lanes = Lanes([BatchDesk(journal, metrics=lane_metrics)], metrics=lane_metrics)
    await on_sale(make, lanes, capacities={"hall": 1})
    await results_of(lanes.submit(make.hold(), make.cause()) for _ in range(3))
    await results_of(
        [lanes.submit(Cancel(make.EVENT, f"{make.EVENT}/bookings/{'0' * 26}", "changed plans"), make.cause())]
    )
    (counted,) = (each for each in metrics.registry.collect() if each.name == "usher_bookings_refused")
    assert {each.labels["reason"]: each.value for each in counted.samples} == {"SOLD_OUT": 2}


async def test_one_commit_serves_many_events(make, journal):
    lanes = make.lanes_on(journal)
    events = [f"events/01jz00000000000000000000{number:02}" for number in range(6)]
    for event in events:
        kind = replace(make.type(), name=f"{event}/ticketTypes/standard")
        await lanes.submit(make.project(make.offer(kind, event=event)), make.cause())
    await asyncio.gather(*(lanes.submit(make.hold(event=event), make.cause()) for event in events * 3))
    assert {each["_id"]: each["taken"] for each in await journal.find(INVENTORY, {})} == {
        event: {"hall": 3} for event in events
    }
