"""Imports on the lanes: all or nothing, whatever stops them."""

import asyncio

import pytest

from booking_service.domain.attendee_import import ImportRow
from booking_service.domain.questions import Attendee
from booking_service.domain.states import BookingState, TicketState
from booking_service.handlers.finish_imports import finish_imports
from booking_service.handlers.import_attendees import import_attendees
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import IMPORT_CHUNKS, INVENTORY, answer_from_document
from booking_service.outbound.imports import MongoImports
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from domain_kit.repository import Cause

TYPE = "events/01jz000000000000000000evnt/ticketTypes/standard"


class Office:
    """One process: lanes on a journal, and imports through them."""

    def __init__(self, make, journal, clock, lanes=None):
        self.make, self.journal, self.clock = make, journal, clock
        self.lanes = lanes or make.lanes_on(journal)
        self.bookings = MongoBookings(journal)

    def importing(self, rows, request_id="", fingerprint=b"f", validate_only=False):
        async def answered(cause):
            answer = await self.journal.answer_to(cause)
            return None if answer is None else answer_from_document(answer)

        return import_attendees(
            self.lanes, MongoStocks(self.journal), self.make.Issuer(), answered, self.clock, BatchDesk(self.journal),
            event=self.make.EVENT, read=lambda offer: [lambda row=row: row for row in rows], reason="guests",
            validate_only=validate_only, cause=Cause(request_id or new_id(), fingerprint, "users/olga"),
        )  # fmt: skip

    async def all_of(self, rows, *args, **options):
        return [progress async for progress in self.importing(rows, *args, **options)]

    async def booked(self):
        return (await self.bookings.of_event(self.make.EVENT, limit=9999)).items

    async def taken(self):
        found = await self.journal.find(INVENTORY, {"_id": self.make.EVENT})
        return found[0]["taken"].get("hall", 0)


@pytest.fixture
async def office(make, journal, clock):
    opened = Office(make, journal, clock)
    await opened.lanes.submit(make.project(make.offer(capacities={"hall": 300})), make.cause())
    return opened


def rows(count, orders=False):
    return [
        ImportRow(
            number + 2,
            TYPE,
            f"o{number // 3}" if orders else "",
            attendee=Attendee(f"A{number}", f"a{number}@x.example"),
        )
        for number in range(count)
    ]


async def test_every_row_becomes_a_ticket_and_rows_of_one_order_one_booking(office):
    *_, last = await office.all_of(rows(120, orders=True))
    booked = {each.name: each for each in await office.booked()}
    assert (last.done, last.imported, len(last.bookings)) == (True, 120, 40)
    first = booked[last.bookings[0]]
    assert (first.state, first.total.minor_units, first.contact.email) == (BookingState.CONFIRMED, 0, "a0@x.example")
    assert [ticket.attendee.display_name for ticket in first.tickets] == ["A0", "A1", "A2"]
    assert all(ticket.state is TicketState.VALID and ticket.code for ticket in first.tickets)
    assert [(each.action, each.actor, each.reason) for each in first.history] == [
        ("BookingConfirmed", "users/olga", "guests")
    ]
    assert await office.taken() == 120


async def test_what_does_not_fit_takes_nothing(office):
    """INVARIANT: every row is booked or none."""
    for validate_only in (True, False):
        told = []
        with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
            async for progress in office.importing(rows(301), validate_only=validate_only):
                told.append(progress)
        assert [(each.number, each.reason) for each in told[-1].problems] == [(0, "SOLD_OUT")], "who hears no status"
        assert not told[-1].done
    assert (await office.taken(), await office.booked()) == (0, [])


async def test_a_check_books_nothing(office):
    *_, last = await office.all_of(rows(10), validate_only=True)
    assert (last.done, last.checked, last.imported, last.problems) == (True, 10, 0, ())
    assert (await office.taken(), await office.booked()) == (0, [])


async def test_one_wrong_row_keeps_all_from_being_booked(office):
    wrong = [*rows(5), ImportRow(9, f"{TYPE}x"), ImportRow(10, TYPE, date="events/x/dates/y")]
    *_, last = await office.all_of(wrong)
    assert [(each.number, each.field, each.reason) for each in last.problems] == [
        (9, "ticket_type", "TICKET_TYPE_UNKNOWN"), (10, "date", "DATE_UNKNOWN"),
    ]  # fmt: skip
    assert (await office.taken(), await office.booked()) == (0, [])


async def test_the_same_request_again_books_nothing_more_and_another_one_is_refused(office):
    first = await office.all_of(rows(60), "r")
    again = await office.all_of(rows(60), "r")
    assert again[-1] == first[-1]
    assert (await office.taken(), len(await office.booked())) == (60, 60)
    with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
        await office.all_of(rows(60), "r", b"other")


async def stopped_after(office, chunks, *args):
    """An import whose process ends when so many chunks are booked."""
    importing = office.importing(*args)
    async for progress in importing:
        if progress.imported >= 50 * chunks and progress.checked == progress.total:
            break
    await importing.aclose()


async def test_a_process_killed_between_two_chunks_leaves_an_import_that_the_same_request_completes(office):
    await stopped_after(office, 1, rows(120), "r")
    assert 0 < len(await office.booked()) < 120
    assert await office.taken() == 120
    other = Office(office.make, office.journal, office.clock)
    *_, last = await other.all_of(rows(120), "r")
    assert (last.imported, len(set(last.bookings))) == (120, 120)
    assert {each.name for each in await other.booked()} == set(last.bookings)
    assert await other.taken() == 120


async def test_what_nobody_completes_is_completed_in_the_background_though_the_event_was_called_off(office, clock):
    await stopped_after(office, 1, rows(120), "r")
    imports, make = MongoImports(office.journal), office.make
    assert await finish_imports(imports, office.lanes, make.Issuer(), clock) == 0
    offer = make.offer(capacities={"hall": 1}, state=type(make.offer().state).CANCELLED, version=2)
    await office.lanes.submit(make.project(offer), make.cause())
    clock.advance(seconds=60)
    replicas = [make.lanes_on(office.journal) for _ in range(2)]
    ended = await asyncio.gather(*(finish_imports(imports, each, make.Issuer(), clock) for each in replicas))
    assert max(ended) > 0
    booked = await office.booked()
    assert len(booked) == await office.taken() == 120
    assert all(each.version == 1 for each in booked)
    assert await finish_imports(imports, office.lanes, make.Issuer(), clock) == 0


async def test_nothing_personal_is_left_of_a_file_that_is_booked(office):
    await office.all_of(rows(60))
    assert "a0@x.example" not in str(await office.journal.find(IMPORT_CHUNKS, {}))
