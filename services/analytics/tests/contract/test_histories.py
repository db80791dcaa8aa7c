"""Whatever happens in whatever order it is told: figures equal what was booked, cancelled and paid back."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import chain, combinations, count
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_service.domain.sales import Dimension, SalesQuery
from analytics_service.handlers.count_sales import count_sales
from analytics_service.handlers.query_sales import query_sales
from analytics_service.inbound.consumers import Listener
from domain_kit.refusals import Unavailable
from usher.booking.v1 import domain_events_pb2 as booking_events
from usher.payment.v1 import domain_events_pb2 as payment_events
from usher.user.v1 import domain_events_pb2 as user_events

# Zones whose days have 23, 23.5, 24.5 and 25 hours, or quarters of an hour, and one that has left out a whole day.
ZONES = ["America/Toronto", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
# Around changes of clocks in Toronto, Berlin and Lord Howe, and Apia's 30 December 2011, which never was.
CHANGES = ["2027-03-14T07:00", "2027-11-07T06:00", "2027-03-28T01:00", "2027-10-31T01:00", "2027-04-03T15:00"]
INSTANTS = st.one_of(
    st.builds(
        lambda text, minutes: datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(minutes=minutes),
        st.sampled_from([*CHANGES, "2011-12-30T10:00"]),
        st.integers(-1500, 1500),
    ),
    st.integers(0, 2 * 366 * 24 * 3600).map(
        lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
)
GROUPINGS = [frozenset(each) for each in chain.from_iterable(combinations(Dimension, size) for size in range(4))]


LINES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from([0, 1, 33, 199])),
    min_size=1, max_size=3, unique_by=lambda line: line[0],
)  # fmt: skip
CHANGES_OF_SALES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 4),
        st.none() | st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([0, 1, 50, 199])),
        INSTANTS, st.integers(0, 1000), st.none() | INSTANTS,
    ),
    max_size=3,
)  # fmt: skip
SALES = st.builds(
    dict,
    organizer=st.integers(0, 1),
    event=st.integers(0, 1),
    currency=st.sampled_from(["CAD", "JPY", "KWD"]),
    lines=LINES,
    confirmed=INSTANTS,
    cancelled=st.none() | INSTANTS,
    checked_in=st.lists(INSTANTS, max_size=2),
    refunds=st.lists(st.tuples(st.integers(1, 1000), INSTANTS), max_size=3, unique_by=lambda each: each[1]),
    late=st.none() | st.tuples(st.integers(1, 10**6), INSTANTS),
    changes=CHANGES_OF_SALES,
    ended=st.none() | st.tuples(INSTANTS, st.booleans(), st.none() | INSTANTS),
    base=st.sampled_from(["", "EUR"]),
)
HISTORIES = st.tuples(
    st.lists(SALES, max_size=6),
    st.tuples(*[st.lists(st.sampled_from(ZONES), min_size=1, max_size=3)] * 2),
    st.integers(0, 2**32).map(Random),
)


def sale_at(instant: datetime, *lines: tuple[int, int, int]) -> dict:
    return {"organizer": 0, "event": 0, "currency": "CAD", "lines": list(lines), "confirmed": instant}


HANDLERS = {
    user_events.OrganizerCreated: Listener.organizer_told,
    user_events.OrganizerUpdated: Listener.organizer_told,
    booking_events.BookingConfirmed: Listener.booking_confirmed,
    booking_events.BookingChanged: Listener.booking_changed,
    booking_events.BookingCancelled: Listener.booking_cancelled,
    booking_events.BookingCompleted: Listener.booking_completed,
    booking_events.BookingNoShow: Listener.nobody_came,
    booking_events.TicketCheckedIn: Listener.ticket_checked_in,
    booking_events.CheckInUndone: Listener.check_in_undone,
    booking_events.PaymentUnclaimed: Listener.payment_unclaimed,
    payment_events.RefundCompleted: Listener.refund_completed,
}


async def deliver(stores, told: list) -> None:
    """As a consumer does: what cannot be applied yet is tried again behind the rest."""
    listener = Listener(stores.facts, stores.organizers, lambda: None)
    waiting, refused_in_a_row = list(told), 0
    while waiting:
        message, received = waiting.pop(0)
        try:
            await HANDLERS[type(message)](listener, message, received)
            refused_in_a_row = 0
        except Unavailable:
            waiting.append((message, received))
            refused_in_a_row += 1
            assert refused_in_a_row < 10_000, "nothing moves"
            await asyncio.sleep(0)


async def count_until_done(stores) -> None:
    while await count_sales(stores.facts, stores.sheets, limit=3):
        pass


async def run_platform(stores, history, random: Random) -> None:
    """Two replicas consume and count at the same time; each domain event comes to one of them, many come twice."""
    told = history.told + random.sample(history.told, len(history.told) // 2)
    random.shuffle(told)
    cut = random.randrange(len(told) + 1)
    consuming = 2

    async def consume(part: list) -> None:
        nonlocal consuming
        await deliver(stores, part)
        consuming -= 1

    async def count_meanwhile() -> None:
        while consuming:
            await count_sales(stores.facts, stores.sheets, limit=3)
            await asyncio.sleep(0)

    work = [consume(told[:cut]), consume(told[cut:]), count_meanwhile(), count_meanwhile()]
    await (stores.steps.run(random, *work) if stores.steps else asyncio.gather(*work))
    await count_until_done(stores)


async def check(stores, history, now: datetime) -> None:
    for number, organizer in enumerate(history.organizers):
        for group_by in GROUPINGS:
            query = SalesQuery(organizer, group_by=group_by)
            report = await query_sales(
                stores.facts, stores.sheets, stores.organizers, stores.unsettled, query, now=now
            )  # fmt: skip
            assert report.time_zone == history.zones[number][-1]
            assert rows_as_counts(report.rows) == history.expected(number, group_by)
            assert rows_as_counts(report.totals) == history.expected(number, frozenset())
            net = {row.currency: row.figures.gross - row.figures.refunded for row in report.totals}
            assert {currency: money for currency, money in net.items() if money} == history.kept(number)
            query = SalesQuery(organizer, group_by=group_by, in_event_currency=True)
            report = await query_sales(
                stores.facts, stores.sheets, stores.organizers, stores.unsettled, query, now=now
            )  # fmt: skip
            for rows in (report.rows, report.totals):
                assert net_of(rows) == history.kept_in_event_currency(number)
            assert [key(row) for row in report.rows] == sorted(key(row) for row in report.rows)


def net_of(rows) -> dict[str, int]:
    money: Counter[str] = Counter()
    for row in rows:
        money[row.currency] += row.figures.gross - row.figures.refunded
    return {currency: minor_units for currency, minor_units in money.items() if minor_units}


def key(row) -> tuple:
    return (row.day or date.min, row.event, row.ticket_type, row.currency)


def rows_as_counts(rows) -> dict:
    return {
        (row.day, row.event, row.ticket_type, row.currency): without_zeros(
            bookings_confirmed=row.bookings_confirmed,
            bookings_cancelled=row.bookings_cancelled,
            bookings_completed=row.bookings_completed,
            bookings_no_show=row.bookings_no_show,
            tickets_sold=row.figures.tickets_sold,
            tickets_cancelled=row.figures.tickets_cancelled,
            tickets_checked_in=row.figures.tickets_checked_in,
            gross=row.figures.gross,
            refunded=row.figures.refunded,
        )
        for row in rows
    }


def without_zeros(**figures: int) -> dict[str, int]:
    return {figure: count for figure, count in figures.items() if count}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
def test_figures_equal_the_sales_in_any_order_with_repeats_and_two_replicas(
    memory_stores, history_of, now, drawn
) -> None:
    """INVARIANT: to the cent and the local day."""
    sales, zones, random = drawn

    async def run() -> None:
        stores, history = memory_stores(), history_of(sales, zones)
        await run_platform(stores, history, random)
        await check(stores, history, now)

    asyncio.run(run())


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
async def test_the_same_on_a_real_store(mongo_stores, history_of, now, drawn) -> None:
    sales, zones, random = drawn
    history = history_of(sales, zones)
    await run_platform(mongo_stores, history, random)
    await check(mongo_stores, history, now)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES, st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_a_process_may_be_killed_before_any_step(memory_stores, history_of, killed, now, drawn, lives) -> None:
    """INVARIANT: what was delivered but not settled comes again, and then nothing is missing or double."""
    sales, zones, random = drawn
    stores, history = memory_stores(), history_of(sales, zones)

    async def live() -> None:
        for each in history.told:
            await deliver(stores, [each])
            await count_sales(stores.facts, stores.sheets, limit=2)

    async def finish() -> None:
        await run_platform(stores, history, random)
        await check(stores, history, now)

    for steps in lives:
        stores.steps.left = steps
        with suppress(killed):
            asyncio.run(live())
    stores.steps.left = None
    asyncio.run(finish())


def test_killed_before_each_step_of_a_sale_and_of_a_change_of_zone(memory_stores, history_of, killed, now) -> None:
    """A sale in Toronto is counted and then moves to another day, for the zone becomes Apia's."""
    sold_at = datetime(2027, 3, 14, 4, 30, tzinfo=UTC)
    sale = sale_at(sold_at, (0, 1, 199), (1, 2, 1))
    for step in count():
        stores, history = memory_stores(), history_of([sale], (["America/Toronto", "Pacific/Apia"], ["UTC"]))
        created, changed, other, sold = history.told

        async def live(stores=stores, order=(other, created, sold, changed)) -> None:
            for each in order:
                await deliver(stores, [each])
                await count_until_done(stores)

        stores.steps.left = step
        alive = False
        with suppress(killed):
            asyncio.run(live())
            alive = True
        stores.steps.left = None
        asyncio.run(live())
        asyncio.run(check(stores, history, now))
        assert {sheet.key.day for sheet in stores.sheets.kept.values() if sheet.lines} == {date(2027, 3, 14)}
        if alive:
            break
    assert step > 20


async def test_two_counters_and_two_consumers_step_by_step_in_any_order(memory_stores, history_of, now) -> None:
    """INVARIANT: nobody's figures are lost, however steps of replicas fall between each other.

    One hour in which it is the 9th, the 10th and the 11th of May somewhere, and an organizer that moves through all.
    """
    instant = datetime(2027, 5, 10, 10, 30, tzinfo=UTC)
    sales = [sale_at(instant, (0, 1, price)) for price in (1, 20, 300)]
    for seed in range(300):
        stores = memory_stores()
        history = history_of(sales, (["Pacific/Pago_Pago", "UTC", "Pacific/Kiritimati"], ["UTC"]))
        created, second, third, other, *sold = history.told
        await deliver(stores, [other, created, sold[0]])
        await count_until_done(stores)

        async def count_four_times(stores=stores) -> None:
            for _ in range(4):
                await count_sales(stores.facts, stores.sheets)

        consumers = (deliver(stores, [sold[1], second, third]), deliver(stores, [sold[2]]))
        await stores.steps.run(Random(seed), *consumers, count_four_times(), count_four_times())
        await count_until_done(stores)
        await check(stores, history, now)


async def test_a_change_of_zone_moves_facts_to_other_days(stores, history_of, now) -> None:
    instant = datetime(2027, 11, 7, 3, 59, tzinfo=UTC)  # 23:59 on the 6th in Toronto, the day before clocks go back
    sale = sale_at(instant, (0, 1, 199)) | {"refunds": [(1000, instant + timedelta(hours=25))]}
    history = history_of([sale], (["America/Toronto", "Europe/Berlin"], ["UTC"]))
    created, changed = history.told[0], history.told[1]
    await deliver(stores, [created, *history.told[2:]])
    await count_until_done(stores)
    organizer = history.organizers[0]

    async def days() -> list:
        query = SalesQuery(organizer, group_by=frozenset([Dimension.DAY]))
        report = await query_sales(stores.facts, stores.sheets, stores.organizers, stores.unsettled, query, now=now)
        return [(row.day.isoformat(), row.figures.gross, row.figures.refunded) for row in report.rows]

    # 25 hours later it is 23:59 on the 7th, which has 25 hours.
    assert await days() == [("2027-11-06", 199, 0), ("2027-11-07", 0, 199)]
    await deliver(stores, [changed])
    await count_until_done(stores)
    assert await days() == [("2027-11-07", 199, 0), ("2027-11-08", 0, 199)]
