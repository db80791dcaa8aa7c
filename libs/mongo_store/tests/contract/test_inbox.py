"""What a consumer may rely on, on the fake and on MongoDB alike."""

import dataclasses

ONE, TWO = "booking.payments", "search.events"


async def test_positions_only_rise_and_are_kept_per_consumer(store):
    await store.inbox.advance(ONE, {"a": 3, "b": 1})
    await store.inbox.advance(ONE, {"a": 2, "b": 4})
    await store.inbox.advance(TWO, {"a": 9})
    await store.inbox.advance(TWO, {})
    assert await store.inbox.positions(ONE, ["a", "b", "c"]) == {"a": 3, "b": 4}
    assert await store.inbox.positions(TWO, ["a"]) == {"a": 9}
    assert await store.inbox.positions(TWO, []) == {}


async def test_positions_only_rise_whatever_is_said_to_have_been_before(store):
    async def told():
        return await store.inbox.positions(ONE, list("abcd"))

    await store.inbox.advance(ONE, {"a": 3, "b": 1}, {})
    await store.inbox.advance(ONE, {"a": 2, "b": 4, "c": 7}, {})
    assert await told() == {"a": 3, "b": 4, "c": 7}
    await store.inbox.advance(ONE, {"b": 3, "c": 8, "d": 1}, {"b": 2, "c": 7})
    assert await told() == {"a": 3, "b": 4, "c": 8, "d": 1}
    await store.inbox.advance(ONE, {"a": 4, "b": 5, "c": 9}, {"a": 3, "b": 4, "c": 8})
    await store.inbox.advance(ONE, {"a": 1, "d": 2}, {"a": 4, "d": 1})
    await store.inbox.advance(ONE, {"b": 1}, {"b": 5})
    assert await told() == {"a": 4, "b": 5, "c": 9, "d": 2}


async def test_a_position_that_is_gone_is_there_again(store):
    await store.inbox.advance(ONE, {"a": 3, "b": 2})
    await store.inbox.reset(ONE)
    await store.inbox.advance(ONE, {"a": 4, "b": 3, "c": 1}, {"a": 3, "b": 2})
    assert await store.inbox.positions(ONE, ["a", "b", "c"]) == {"a": 4, "b": 3, "c": 1}


async def test_positions_of_many_aggregates_come_in_one_call(store):
    many = {f"jars/{number}": number for number in range(1, 200)}
    await store.inbox.advance(ONE, many)
    assert await store.inbox.positions(ONE, [*many, "jars/unknown"]) == many


async def test_parked_domain_events_come_back_whole_and_in_version_order(store, parked):
    for each in (parked("a", 5), parked("a", 4, dead=True), parked("b", 1), parked("a", 1, consumer=TWO)):
        await store.inbox.park(each)
    assert list(await store.inbox.parked(ONE, "a")) == [parked("a", 4, dead=True), parked("a", 5)]
    assert [each.event.subject for each in await store.inbox.parked(ONE)] == ["a", "a", "b"]


async def test_parking_again_replaces(store, parked):
    await store.inbox.park(parked("a", 5))
    worse = dataclasses.replace(parked("a", 5, dead=True), attempts=8, reason="broken")
    await store.inbox.park(worse)
    assert list(await store.inbox.parked(ONE)) == [worse]
    await store.inbox.unpark(ONE, [worse.event.id, "unknown"])
    assert list(await store.inbox.parked(ONE)) == []


async def test_a_redrive_revives_the_dead_all_or_those_named(store, parked):
    for version in range(1, 5):
        await store.inbox.park(parked("a", version, dead=version > 1))
    assert await store.inbox.revive(ONE, ["a-2", "a-1", "unknown"]) == 1
    assert [each.dead for each in await store.inbox.parked(ONE)] == [False, False, True, True]
    assert await store.inbox.revive(TWO) == 0
    assert await store.inbox.revive(ONE) == 2
    assert not any(each.dead for each in await store.inbox.parked(ONE))


async def test_a_reset_forgets_a_consumer_or_one_branch_of_names(store, parked):
    await store.inbox.advance(ONE, {"events/a": 1, "events/ab/bookings/x": 2, "payments/a": 3})
    await store.inbox.advance(TWO, {"events/a": 1})
    await store.inbox.park(parked("events/a", 9))
    await store.inbox.park(parked("payments/a", 9))
    await store.inbox.reset(ONE, "events/")
    names = ["events/a", "events/ab/bookings/x", "payments/a"]
    assert await store.inbox.positions(ONE, names) == {"payments/a": 3}
    assert [each.event.subject for each in await store.inbox.parked(ONE)] == ["payments/a"]
    await store.inbox.reset(ONE)
    assert await store.inbox.positions(ONE, names) == {}
    assert list(await store.inbox.parked(ONE)) == []
    assert await store.inbox.positions(TWO, names) == {"events/a": 1}


async def test_that_a_refill_was_followed_is_kept_by_consumer_and_epoch(store):
    assert not await store.inbox.rewound(ONE, "epoch")
    for _ in range(2):
        await store.inbox.note_rewound(ONE, "epoch")
        assert await store.inbox.rewound(ONE, "epoch")
    assert not await store.inbox.rewound(TWO, "epoch")


async def test_what_the_last_member_handled_is_kept_by_consumer_and_place(store):
    assert await store.inbox.handled_types(ONE, "t/0") is None
    await store.inbox.note_handled_types(ONE, "t/0", {"b", "a"})
    await store.inbox.note_handled_types(ONE, "t/0", {"c"})
    assert await store.inbox.handled_types(ONE, "t/0") == {"c"}
    assert await store.inbox.handled_types(ONE, "t/1") is None
    assert await store.inbox.handled_types(TWO, "t/0") is None
