"""Reserved seats in the lanes, over the in-memory journal and over the embedded database: one suite."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from booking_service.domain.commands import Cancel, ClaimPayment, Hold
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState
from booking_service.outbound.documents import BOOKINGS, TAKEN_SEATS
from booking_service.outbound.repositories import MongoBookings, MongoSeats, MongoStocks
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition


def hall(rows, width, section="stalls"):
    return (Section(section, section, tuple(SeatRow(str(r), tuple(map(str, range(width)))) for r in range(rows))),)


async def on_sale(make, lanes, sections, version=1):
    kind = make.type(sections=tuple(each.id for each in sections))
    await lanes.submit(
        make.project(make.offer(kind, capacities={"hall": 500}, sections=sections, version=version)), make.cause()
    )


def buy(make, count=1, seats=(), buyer="users/ada"):
    wanted = [Wanted(f"{make.EVENT}/ticketTypes/standard", count, seats=seats)]
    return Hold(make.EVENT, f"{make.EVENT}/bookings/{new_id()}", buyer, wanted, timedelta(minutes=10))


async def results_of(calls):
    results = await asyncio.gather(*calls, return_exceptions=True)
    ok = [each for each in results if not isinstance(each, BaseException)]
    return ok, [each for each in results if isinstance(each, BaseException)]


async def check_seats(journal, make):
    """INVARIANT: no seat is in two live bookings, and the records say exactly what live bookings have."""
    live = await journal.find(BOOKINGS, {"state": {"$in": ["HELD", "CONFIRMED"]}})
    held = Counter(
        (seat, each["_id"].rpartition("/")[2]) for each in live for li in each["lines"] for seat in li["seats"]
    )
    assert set(Counter(seat for seat, _ in held).values()) <= {1}
    recorded = Counter(
        (f"{section['section']}/{row['label']}/{seat}", booking)
        for section in await journal.find(TAKEN_SEATS, {})
        for row in section["rows"] for booking, seats in row["bookings"].items() for seat in seats
    )  # fmt: skip
    assert recorded == held
    counted = (await MongoStocks(journal).stock(make.EVENT)).inventory.seats
    assert sum(counted.values()) == len(held)
    return len(held)


async def test_60_buyers_at_once_over_two_replicas_get_exactly_the_40_seats(make, journal):
    """INVARIANT: each seat is sold once, none is left over, the rest hear SOLD_OUT."""
    replicas = [make.lanes_on(journal, batch=8) for _ in range(2)]
    await on_sale(make, replicas[0], hall(4, 10))
    held, refused = await results_of(
        replicas[number % 2].submit(buy(make, buyer=f"users/{number}"), make.cause()) for number in range(60)
    )
    assert {each.reason for each in refused} == {"SOLD_OUT"}
    assert len({booking.lines[0].seats for booking in held}) == len(held) == 40
    assert await check_seats(journal, make) == 40


async def test_everybody_wants_the_same_seat_and_one_gets_it(make, journal):
    replicas = [make.lanes_on(journal) for _ in range(2)]
    await on_sale(make, replicas[0], hall(2, 6))
    held, refused = await results_of(
        replicas[number % 2].submit(buy(make, 2, ("stalls/0/0", "stalls/0/1")), make.cause()) for number in range(10)
    )
    assert len(held) == 1
    assert {(each.reason, each.metadata["seats"]) for each in refused} == {("SEAT_TAKEN", "stalls/0/0\nstalls/0/1")}
    assert await check_seats(journal, make) == 2


async def test_parties_that_book_and_cancel_leave_every_seat_to_somebody(make, journal):
    replicas = [make.lanes_on(journal, batch=8) for _ in range(2)]
    await on_sale(make, replicas[0], hall(5, 8))

    async def book_and_sometimes_cancel(number):
        booking = await replicas[number % 2].submit(buy(make, 1 + number % 3), make.cause())
        if number % 3 == 0:
            off = Cancel(make.EVENT, booking.name, "")
            return await replicas[(number + 1) % 2].submit(off, make.cause())
        return booking

    done, refused = await results_of(book_and_sometimes_cancel(number) for number in range(36))
    assert {each.reason for each in refused} <= {"SOLD_OUT"}
    sold = sum(each.lines[0].quantity for each in done if each.state is BookingState.HELD)
    assert await check_seats(journal, make) == sold
    rest, refused = await results_of(replicas[0].submit(buy(make), make.cause()) for _ in range(45))
    assert len(rest) == 40 - sold
    assert await check_seats(journal, make) == 40


async def test_a_seat_whose_hold_is_over_can_be_chosen_at_once(make, journal, clock):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, hall(1, 4))
    first = await lanes.submit(buy(make, 1, ("stalls/0/0",)), make.cause())
    with pytest.raises(FailedPrecondition, match="SEAT_TAKEN"):
        await lanes.submit(buy(make, 1, ("stalls/0/0",)), make.cause())
    clock.advance(minutes=10)
    assert await lanes.submit(buy(make, 1, ("stalls/0/0",)), make.cause())
    assert (await MongoBookings(journal).get(first.name)).state is BookingState.EXPIRED
    assert await check_seats(journal, make) == 1


async def test_late_money_gets_its_seats_back_else_others_else_is_turned_away(make, journal, clock):
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    await on_sale(make, lanes, hall(1, 4))
    same, moved, none = [
        await lanes.submit(buy(make, 1, (seat,)), make.cause()) for seat in ("stalls/0/0", "stalls/0/1", "stalls/0/2")
    ]
    clock.advance(minutes=11)

    async def pay(booking, by):
        paid = ClaimPayment(make.EVENT, booking.name, f"payments/{new_id()}", booking.total, make.Issuer())
        return await by.submit(paid, make.cause())

    assert (await pay(same, lanes)).tickets[0].seat == "stalls/0/0"
    await other.submit(buy(make, 1, ("stalls/0/1",)), make.cause())
    again = await pay(moved, lanes)
    assert again.tickets[0].seat == again.lines[0].seats[0] == "stalls/0/2"
    await other.submit(buy(make, 1), make.cause())
    assert len((await pay(none, lanes)).unclaimed) == 1
    assert await check_seats(journal, make) == 4


async def test_late_money_is_not_turned_away_for_seats_that_another_replica_has_freed(make, journal, clock):
    """INVARIANT: nobody's money is sent back on what was merely remembered."""
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    await on_sale(make, lanes, hall(1, 2))
    late = await lanes.submit(buy(make, 2), make.cause())
    clock.advance(minutes=11)
    blocking = await lanes.submit(buy(make, 2), make.cause())
    await other.submit(Cancel(make.EVENT, blocking.name, ""), make.cause())
    paid = ClaimPayment(make.EVENT, late.name, "payments/1", late.total, make.Issuer())
    assert (await lanes.submit(paid, make.cause())).state is BookingState.CONFIRMED
    assert await check_seats(journal, make) == 2


async def test_a_plan_edited_while_buyers_queue_counts_for_those_behind_it(make, journal):
    """Seats appear, vanish and come back in the same batch as the holds; nobody hears of an internal error."""
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, ())
    first = asyncio.create_task(on_sale(make, lanes, hall(1, 4), version=2))
    held, refused = await results_of(lanes.submit(buy(make), make.cause()) for _ in range(5))
    await first
    assert [each.reason for each in refused] == ["SOLD_OUT"]
    _, _, held = await asyncio.gather(
        on_sale(make, lanes, hall(1, 2), version=3),
        on_sale(make, lanes, hall(2, 4), version=4),
        results_of(lanes.submit(buy(make), make.cause()) for _ in range(5)),
    )
    assert len(held[0]) == 4
    assert await check_seats(journal, make) == 8


async def test_what_is_taken_is_read_by_section_and_date(make, journal):
    lanes = make.lanes_on(journal)
    await on_sale(make, lanes, hall(1, 4) + hall(1, 4, "balcony"))
    booking = await lanes.submit(buy(make, 2), make.cause())
    taken = await MongoSeats(journal).taken_of(make.EVENT, ["stalls", "balcony"])
    assert list(taken) == ["stalls"]
    assert taken["stalls"].rows[0].bookings == {booking.name.rpartition("/")[2]: ("0", "1")}
