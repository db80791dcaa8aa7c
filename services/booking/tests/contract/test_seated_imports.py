"""Imports for an event with seats, on the lanes: each row has one, all of them or none."""

from datetime import timedelta

import pytest

from booking_service.domain.attendee_import import ImportRow
from booking_service.domain.commands import Cancel, Hold
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState
from booking_service.handlers.import_attendees import import_attendees
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import BOOKINGS, TAKEN_SEATS, answer_from_document
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause

EVENT = "events/01jz000000000000000000evnt"
SEAT, STAND, BOX = (f"{EVENT}/ticketTypes/{kind}" for kind in ("seat", "stand", "box"))
HALL = (
    Section("stalls", "Stalls", tuple(SeatRow(row, tuple("123456"), ("1",)) for row in "ABC")),
    Section("box", "Box", (SeatRow("1", ("1", "2")),)),
)


class Hall:
    """An event with seats, and files for it."""

    def __init__(self, make, journal, clock):
        self.make, self.journal, self.clock = make, journal, clock
        self.lanes, self.bookings = make.lanes_on(journal), MongoBookings(journal)

    async def all_of(self, *rows, validate_only=False):
        async def answered(cause):
            answer = await self.journal.answer_to(cause)
            return None if answer is None else answer_from_document(answer)

        importing = import_attendees(
            self.lanes, MongoStocks(self.journal), self.make.Issuer(), answered, self.clock, BatchDesk(self.journal),
            event=EVENT, read=lambda offer: [lambda row=row: row for row in rows], reason="guests",
            validate_only=validate_only, cause=Cause(new_id(), b"f", "users/olga"),
        )  # fmt: skip
        return [progress async for progress in importing][-1]

    async def seats_of(self, *names):
        return [[ticket.seat for ticket in (await self.bookings.get(name)).tickets] for name in names]

    async def taken(self):
        """INVARIANT: what is taken is what live bookings have, under their own names, and is counted."""
        live = await self.journal.find(BOOKINGS, {"state": {"$in": ["HELD", "CONFIRMED"]}})
        held = {
            (seat, each["_id"].rpartition("/")[2]) for each in live for line in each["lines"] for seat in line["seats"]
        }
        taken = [
            (f"{section['section']}/{row['label']}/{seat}", booking)
            for section in await self.journal.find(TAKEN_SEATS, {})
            for row in section["rows"] for booking, seats in row["bookings"].items() for seat in seats
        ]  # fmt: skip
        assert sorted(taken) == sorted(held)
        counted = (await MongoStocks(self.journal).stock(EVENT)).inventory.seats
        assert sum(counted.values()) == len(taken)
        return len(taken)

    async def hold(self, *seats):
        wanted = [Wanted(SEAT, len(seats), seats=seats)]
        name = f"{EVENT}/bookings/{new_id()}"
        return await self.lanes.submit(Hold(EVENT, name, "users/ada", wanted, timedelta(minutes=10)), Cause(name))


@pytest.fixture
async def hall(make, journal, clock):
    opened = Hall(make, journal, clock)
    kinds = (
        make.type("seat", sections=("stalls",)), make.type("stand"), make.type("box", sections=("box",)),
        make.type("loge", bundle={BOX: 2}),
    )  # fmt: skip
    await opened.lanes.submit(make.project(make.offer(*kinds, sections=HALL)), make.cause())
    return opened


def row(number, kind=SEAT, order="", seat=""):
    return ImportRow(number, kind, order, seat=seat)


async def test_rows_get_the_seats_that_they_name_and_the_rest_of_an_order_sits_together(hall):
    last = await hall.all_of(
        row(2, order="a"), row(3, seat="stalls/A/3"), row(4, order="a", seat="stalls/C/2"), row(5, order="a"),
        row(6, STAND), row(7, seat="stalls/A/4"), row(8, order="a", kind=BOX),
    )  # fmt: skip
    assert (last.imported, last.problems) == (7, ())
    assert await hall.seats_of(*last.bookings) == [
        ["stalls/A/5", "stalls/C/2", "stalls/A/6", "box/1/1"], ["stalls/A/3"], [""], ["stalls/A/4"],
    ]  # fmt: skip
    assert await hall.taken() == 6


async def test_each_ticket_of_a_bundle_has_a_seat(hall):
    last = await hall.all_of(row(2, f"{EVENT}/ticketTypes/loge"))
    assert await hall.seats_of(*last.bookings) == [["box/1/1", "box/1/2"]]


async def test_a_booking_of_a_file_gives_its_seats_back_and_no_others(hall):
    last = await hall.all_of(row(2, order="a"), row(3, order="a"), row(4))
    off = await hall.lanes.submit(Cancel(EVENT, last.bookings[0], ""), Cause(new_id()))
    assert off.state is BookingState.CANCELLED
    assert await hall.taken() == 1


async def test_a_file_with_one_seat_too_many_or_one_that_somebody_has_takes_nothing(hall):
    """INVARIANT: every row has its seat or none is booked."""
    everything = [row(number) for number in range(2, 20)]
    for validate_only in (True, False):
        with pytest.raises(FailedPrecondition, match="SOLD_OUT") as refused:
            await hall.all_of(*everything, row(20), validate_only=validate_only)
        assert refused.value.metadata == {"ticket_type": SEAT, "remaining": "18"}
    assert await hall.taken() == 0
    assert (await hall.all_of(*everything, validate_only=True)).done
    assert await hall.taken() == 0
    await hall.hold("stalls/B/3", "stalls/B/4")
    for validate_only in (True, False):
        with pytest.raises(FailedPrecondition, match="SEAT_TAKEN") as refused:
            await hall.all_of(row(2), row(3, seat="stalls/B/4"), validate_only=validate_only)
        assert refused.value.metadata == {"seats": "stalls/B/4"}
    assert await hall.taken() == 2


async def test_a_file_fills_the_hall_to_the_last_seat(hall):
    last = await hall.all_of(*(row(number, order=f"o{number // 5}") for number in range(2, 20)))
    assert len({seat for seats in await hall.seats_of(*last.bookings) for seat in seats}) == await hall.taken() == 18


async def test_seats_that_cannot_be_are_told_by_row(hall):
    last = await hall.all_of(
        row(2, seat="stalls/A/7"), row(3, seat="box/1/1"), row(4, seat="x"), row(5, STAND, seat="stalls/A/1"),
        row(6, f"{EVENT}/ticketTypes/loge", seat="box/1/1"), row(7, seat="stalls/A/1"), row(8, seat="stalls/A/1"),
    )  # fmt: skip
    assert [(each.number, each.field, each.reason) for each in last.problems] == [
        (2, "seat", "SEAT_UNKNOWN"), (3, "seat", "SEAT_UNKNOWN"), (4, "seat", "SEAT_UNKNOWN"),
        (5, "seat", "SEATS_NOT_OFFERED"), (6, "seat", "SEATS_NOT_OFFERED"), (8, "seat", "SEAT_TAKEN"),
    ]  # fmt: skip
    assert last.problems[-1].description == "is taken by line 7."
    assert await hall.taken() == 0
