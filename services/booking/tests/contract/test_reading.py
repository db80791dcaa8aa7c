from booking_service.domain.commands import Cancel
from booking_service.domain.ports import Condition
from booking_service.handlers.read_bookings import Owners, owners_of
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from booking_service.outbound.resale_offers import MongoResaleOffers
from booking_service.outbound.waiting_entries import MongoWaitingEntries


async def some_bookings(make, journal, clock, count=7):
    lanes = make.lanes_on(journal)
    await lanes.submit(make.project(make.offer()), make.cause())
    names = []
    for number in range(count):
        clock.advance(seconds=1)
        name = f"{make.EVENT}/bookings/01jz0000000000000000000b{number:02}"
        names.append((await lanes.submit(make.hold(f"users/{number % 2}", name=name), make.cause())).name)
    return lanes, names


async def pages(read):
    after, seen = None, []
    while True:
        page = await read(after)
        seen.append([each.name for each in page.items])
        after = page.following
        if after is None:
            return seen


async def test_the_bookings_of_an_event_come_newest_first_in_pages(make, journal, clock):
    _, names = await some_bookings(make, journal, clock)
    bookings = MongoBookings(journal)
    seen = await pages(lambda after: bookings.of_event(make.EVENT, after=after, limit=3))
    assert [len(page) for page in seen] == [3, 3, 1]
    assert [name for page in seen for name in page] == names[::-1]


async def test_the_bookings_of_an_event_are_filtered_by_state_and_buyer(make, journal, clock):
    lanes, names = await some_bookings(make, journal, clock)
    await lanes.submit(Cancel(make.EVENT, names[0], ""), make.cause())
    bookings = MongoBookings(journal)

    async def of(*conditions):
        return [each.name for each in (await bookings.of_event(make.EVENT, conditions, limit=99)).items]

    assert await of(Condition("state", "CANCELLED")) == [names[0]]
    assert await of(Condition("buyer", "users/1")) == names[1::2][::-1]
    assert await of(Condition("state", "CANCELLED", same=False), Condition("buyer", "users/0")) == names[2::2][::-1]


async def test_the_bookings_of_a_user_come_newest_first_in_pages(make, journal, clock):
    _, names = await some_bookings(make, journal, clock)
    bookings = MongoBookings(journal)
    seen = await pages(lambda after: bookings.of_user("users/0", after=after, limit=2))
    assert [name for page in seen for name in page] == names[::2][::-1]


async def test_owners_are_those_of_the_offer_and_of_the_booking(make, journal, clock):
    _, names = await some_bookings(make, journal, clock, 1)
    bookings, stocks, entries = MongoBookings(journal), MongoStocks(journal), MongoWaitingEntries(journal)
    resales = MongoResaleOffers(journal)
    organizer = make.offer().organizer
    assert await owners_of(bookings, stocks, entries, resales, make.EVENT) == Owners("", organizer)
    assert await owners_of(bookings, stocks, entries, resales, names[0]) == Owners("users/0", organizer)
    assert await owners_of(bookings, stocks, entries, resales, f"{names[0]}/tickets/any") == Owners(
        "users/0", organizer
    )
    for unknown in (
        "events/none",
        f"{make.EVENT}/bookings/none",
        f"{names[0]}/others/any",
        "things/x",
        f"{make.EVENT}/waitingListEntries/none",
        f"{make.EVENT}/resaleOffers/none",
    ):
        assert await owners_of(bookings, stocks, entries, resales, unknown) is None


async def test_due_holds_come_in_pages_oldest_first(make, journal, clock):
    _, names = await some_bookings(make, journal, clock)
    bookings = MongoBookings(journal)
    assert not await bookings.due_holds(clock(), 99)
    clock.advance(minutes=11)
    assert [each.name for each in await bookings.due_holds(clock(), 3)] == names[:3]
    assert [each.name for each in await bookings.due_holds(clock(), 99, make.EVENT)] == names
    assert not await bookings.due_holds(clock(), 99, "events/other")
