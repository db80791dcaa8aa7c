"""Check-in over the in-memory journal and over the embedded database, with one and two replicas: one suite."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import CheckInList, ListRules
from booking_service.domain.commands import (
    ChangeCheckInList,
    CheckIn,
    ClaimPayment,
    CreateCheckInList,
    DeleteCheckInList,
    LoggedScan,
    MergeScans,
    UndoCheckIn,
)
from booking_service.domain.scans import Direction, Scan, judge
from booking_service.domain.states import BookingState, TicketState
from booking_service.outbound.check_in_changes import TallyChanges
from booking_service.outbound.check_ins import MongoCheckIns, tallies_of
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import BOOKINGS, booking_to_document
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoBookings
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, NotFound
from domain_kit.repository import Cause
from mongo_store import JournalRow, MongoOutbox, Put
from testkit.memory import MemoryJournal, MemoryOutbox

DOOR = ListRules("Door")


class Gate:
    """An event with tickets and a list, and two replicas that serve it."""

    def __init__(self, make, journal) -> None:
        self.make, self.journal, self.event = make, journal, make.EVENT
        self.replicas = [make.lanes_on(journal) for _ in range(2)]
        self.check_ins, self.bookings = MongoCheckIns(journal), MongoBookings(journal)
        self.door = ""

    async def open(self, rules=DOOR) -> None:
        await self.submit(self.make.project(self.make.offer()))
        self.door = await self.add_list(rules)

    async def submit(self, command, replica=0, key=""):
        return await self.replicas[replica].submit(command, self.make.cause(key))

    async def add_list(self, rules) -> str:
        made = await self.submit(
            CreateCheckInList(self.event, f"{self.event}/checkInLists/{rules.display_name}", rules)
        )
        return made.name

    async def sold(self, tickets=1) -> Booking:
        held = await self.submit(self.make.hold(standard=tickets))
        paid = ClaimPayment(self.event, held.name, f"payments/{held.name}", held.total, self.issuer)
        return await self.submit(paid)

    def scan(self, booking, number=0, **changes) -> CheckIn:
        ticket = booking.tickets[number]
        return CheckIn(self.event, booking.name, ticket.name, ticket.code, **{"check_in_list": self.door} | changes)

    def log(self, booking, *scans, number=0) -> MergeScans:
        ticket = booking.tickets[number]
        logged = tuple(LoggedScan(ticket.name, ticket.code, each) for each in scans)
        return MergeScans(self.event, booking.name, self.door, logged)

    def entry(self, minute, device="a", sequence=1) -> Scan:
        return Scan(self.make.NOW - timedelta(minutes=60 - minute), device, sequence, list=self.door, offline=True)

    async def facts_of(self, name) -> list[str]:
        outbox = MemoryOutbox(self.journal) if isinstance(self.journal, MemoryJournal) else MongoOutbox(self.journal)
        return [each.type.rpartition(".")[2] async for each in outbox.everything() if each.subject == name]

    async def tally(self):
        return next(each for each in await tallies_of(self.journal, [self.event]) if each.list == self.door)


@pytest.fixture
async def gate(make, journal):
    opened = Gate(make, journal)
    opened.issuer = make.Issuer()
    await opened.open()
    return opened


async def outcomes(calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_two_replicas_that_scan_one_ticket_at_once_admit_one(gate):
    """INVARIANT: one ticket, one admission, whoever scans it where."""
    booking = await gate.sold()
    results = await outcomes(gate.submit(gate.scan(booking), number % 2) for number in range(20))
    assert sum(isinstance(each, Booking) for each in results) == 1
    assert {each.reason for each in results if not isinstance(each, Booking)} == {"TICKET_CHECKED_IN"}
    tally = await gate.tally()
    assert (tally.admitted, tally.inside, len(tally.latest)) == (1, 1, 1)
    assert (await gate.facts_of(booking.name)).count("TicketCheckedIn") == 1


async def test_scans_of_many_tickets_by_two_replicas_are_all_counted(gate):
    bookings = [await gate.sold() for _ in range(12)]
    await asyncio.gather(*(gate.submit(gate.scan(each), number % 2) for number, each in enumerate(bookings)))
    tally = await gate.tally()
    assert (tally.admitted, tally.inside, tally.exits) == (12, 12, 0)


async def test_a_repeated_scan_gets_the_first_answer(gate):
    booking = await gate.sold()
    first = await gate.submit(gate.scan(booking), key="scan-1")
    assert await gate.submit(gate.scan(booking), 1, key="scan-1") == first
    assert (await gate.tally()).admitted == 1


async def test_in_and_out_and_in_again_is_counted_and_told(gate):
    gate.door = await gate.add_list(ListRules("Garden", reentry=True))
    booking = await gate.sold()
    await gate.submit(gate.scan(booking))
    left = await gate.submit(gate.scan(booking, direction=Direction.EXIT), 1)
    assert left.tickets[0].check_out_time is not None
    assert left.state is BookingState.CHECKED_IN
    assert (await gate.tally()).inside == 0
    await gate.submit(gate.scan(booking))
    tally = await gate.tally()
    assert (tally.admitted, tally.inside, tally.exits) == (1, 1, 1)
    told = await gate.facts_of(booking.name)
    assert told[2:] == ["TicketCheckedIn", "TicketCheckedOut", "TicketCheckedIn"]
    stored = await gate.bookings.get(booking.name)
    assert [each.action for each in stored.history] == told


async def test_an_admission_is_taken_back_with_its_reason(gate):
    booking = await gate.sold(2)
    for number in (0, 1):
        await gate.submit(gate.scan(booking, number))
    undo = UndoCheckIn(gate.event, booking.name, booking.tickets[0].name, gate.door, "wrong person")
    after = await gate.submit(undo, 1)
    assert (after.state, after.tickets[0].state) == (BookingState.CHECKED_IN, TicketState.VALID)
    assert after.tickets[0].check_in_time is None
    assert after.history[-1].reason == "wrong person"
    with pytest.raises(FailedPrecondition, match="NOT_CHECKED_IN"):
        await gate.submit(undo)
    other = await gate.submit(replace(undo, ticket=booking.tickets[1].name))
    assert other.state is BookingState.CONFIRMED
    tally = await gate.tally()
    assert (tally.admitted, tally.inside, tally.latest) == (0, 0, ())
    assert await gate.submit(gate.scan(booking))


async def test_an_admission_without_a_list_is_taken_back_on_any_list(gate):
    booking = await gate.sold()
    await gate.submit(gate.scan(booking, check_in_list=""))
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN"):
        await gate.submit(gate.scan(booking))
    undo = UndoCheckIn(gate.event, booking.name, booking.tickets[0].name, gate.door, "left again")
    assert (await gate.submit(undo)).state is BookingState.CONFIRMED
    assert {each.admitted for each in await tallies_of(gate.journal, [gate.event])} == {0}


@pytest.mark.parametrize("swapped", [False, True])
async def test_scan_logs_come_to_the_same_in_any_order_and_each_pair_is_told_once(gate, swapped):
    booking = await gate.sold()
    early, late = gate.entry(1, "b"), gate.entry(2, "a")
    parts = [gate.log(booking, late), gate.log(booking, early)]
    for command in [*(reversed(parts) if swapped else parts), *parts]:
        await gate.submit(command)
    scans = (await gate.check_ins.scans_of([booking.tickets[0].name]))[booking.tickets[0].name]
    assert judge(scans.on(gate.door), DOOR).pairs == [(early, late)]
    page = await gate.check_ins.duplicated_on(gate.door, limit=5)
    assert ([each.ticket for each in page.items], page.following) == ([booking.tickets[0].name], None)
    assert (await gate.facts_of(booking.name))[2:] == ["TicketCheckedIn", "DuplicateScanReported"]
    stored = await gate.bookings.get(booking.name)
    assert stored.tickets[0].check_in_time == early.time
    tally = await gate.tally()
    assert (tally.admitted, tally.inside, tally.duplicates) == (1, 1, 1)
    assert [each.scan for each in tally.latest] == [early]


async def test_one_log_sent_to_two_replicas_at_once_counts_once(gate):
    """INVARIANT: a scan counts once, however often and wherever it is reported."""
    booking = await gate.sold()
    command = gate.log(booking, gate.entry(1), gate.entry(2, sequence=2))
    await asyncio.gather(*(gate.submit(command, number % 2) for number in range(10)))
    told = (await gate.facts_of(booking.name))[2:]
    assert told == ["TicketCheckedIn", "DuplicateScanReported"]


async def test_a_log_of_many_bookings_takes_few_commits(make, journal):
    commits = []

    class Counting:
        def committed(self, commands, seconds):
            commits.append(commands)

        def queued(self, commands): ...
        def conflicted(self): ...
        def refused(self, reason): ...

    gate = Gate(make, journal)
    gate.issuer = make.Issuer()
    await gate.open()
    bookings = [await gate.sold() for _ in range(40)]
    lanes = Lanes([BatchDesk(journal, metrics=Counting())])
    await asyncio.gather(*(lanes.submit(gate.log(each, gate.entry(1)), make.cause()) for each in bookings))
    assert sum(commits) == 40
    assert len(commits) <= 3
    assert (await gate.tally()).admitted == 40


async def test_late_scans_reach_the_bookings_of_an_event_that_is_closed(gate, journal):
    booking = await gate.sold()
    for state in (BookingState.NO_SHOW, BookingState.COMPLETED):
        stored = await gate.bookings.get(booking.name)
        await _put(journal, replace(stored, state=state))
        log = gate.log(booking, gate.entry(1 if state is BookingState.NO_SHOW else 0, state.name))
        assert (await gate.submit(log)).state is BookingState.COMPLETED


async def test_lists_are_made_changed_and_removed(gate):
    made = await gate.check_ins.check_in_list(gate.door)
    change = ChangeCheckInList(gate.event, gate.door, lambda each: replace(each.rules, gates=("North",)))
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await gate.submit(replace(change, etag='"v9"'))
    changed = await gate.submit(change, 1)
    assert (changed.rules.gates, changed.version) == (("North",), 2)
    assert await gate.submit(change) == changed
    booking = await gate.sold()
    with pytest.raises(FailedPrecondition, match="GATE_UNKNOWN"):
        await gate.submit(gate.scan(booking))
    await gate.submit(DeleteCheckInList(gate.event, gate.door))
    for command in (change, gate.scan(booking), gate.log(booking, gate.entry(1))):
        with pytest.raises(NotFound) as refused:
            await gate.submit(command)
        assert refused.value.metadata == {"resource": gate.door}
    with pytest.raises(NotFound):
        await gate.check_ins.check_in_list(gate.door)
    assert await gate.facts_of(made.name) == ["CheckInListCreated", "CheckInListChanged", "CheckInListDeleted"]
    with pytest.raises(InvalidArgument, match="DATE_UNKNOWN"):
        await gate.add_list(ListRules("Wrong", dates=(f"{gate.event}/dates/x",)))


async def test_the_lists_of_an_event_come_in_pages_oldest_first(gate):
    names = [gate.door, *[await gate.add_list(ListRules(f"X{number}")) for number in range(4)]]
    found, after = [], None
    while True:
        page = await gate.check_ins.lists_of(gate.event, after=after, limit=2)
        assert all(isinstance(each, CheckInList) for each in page.items)
        found += [each.name for each in page.items]
        if page.following is None:
            break
        after = page.following
    assert found == names


async def test_a_stream_tells_what_another_replica_counts(gate, journal):
    changes = TallyChanges(journal)
    news = changes.follow(gate.event)
    assert [each.admitted for each in await anext(news)] == [0]
    booking = await gate.sold()
    await gate.submit(gate.scan(booking))
    await changes.look()
    assert [each.admitted for each in await anext(news)] == [1]
    await gate.submit(DeleteCheckInList(gate.event, gate.door))
    await changes.look()
    assert await anext(news) == []
    changes.close()
    with pytest.raises(StopAsyncIteration):
        await anext(news)


async def _put(journal, booking):
    row = JournalRow(Cause(new_id()), booking.name)
    written = replace(booking, version=booking.version + 1)  # as by another process
    await journal.commit([Put(BOOKINGS, booking_to_document(written))], row)
