"""Stores in memory and in MongoDB keep the same promises."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, Kind, Line, SheetKey
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Sheet
from analytics_service.handlers.count_sales import count_sales
from analytics_service.handlers.query_sales import _fresh_as_of
from analytics_service.handlers.show_facts import heal_index, show_facts
from domain_kit.ids import new_id

TIME = datetime(2027, 3, 1, 2, tzinfo=UTC)
TORONTO = "America/Toronto"


@pytest.fixture
def organizer() -> str:
    return f"organizers/{new_id()}"


def fact(organizer: str, *, gross: int = 100, id: str = "", time: datetime = TIME, **change: object) -> Fact:
    lines = (Line("events/e/ticketTypes/t", "CAD", Figures(1, 0, 1, 0, tickets_sold=1, gross=gross)),)
    fields = {"kind": Kind.BOOKING_CONFIRMED, "event": "events/e", "booking": "b", "payment": "p", "lines": lines}
    return Fact(**{"id": id or new_id(), "organizer": organizer, "time": time, **fields, **change})  # type: ignore[arg-type]


def zone(organizer: str, version: int, name: str = "UTC") -> OrganizerZone:
    return OrganizerZone(organizer, version, name)


def key(organizer: str, day: date = date(2027, 3, 1)) -> SheetKey:
    return SheetKey(organizer, day, "events/e")


async def test_one_fact_filed_by_many_at_once_counts_once(stores, organizer) -> None:
    one = fact(organizer)
    await asyncio.gather(*(stores.facts.file(one, zone(organizer, 1 + n % 3)) for n in range(12)))
    (line,) = (await stores.facts.sheet_of(key(organizer))).lines
    assert line.figures == one.lines[0].figures


async def test_an_older_version_of_the_organizer_moves_nothing_back(stores, organizer) -> None:
    one = fact(organizer)
    await stores.facts.file(one, zone(organizer, 2, TORONTO))
    await stores.facts.file(one, zone(organizer, 1, "UTC"))
    assert [each.facts[0].zone.name for each in await stores.facts.unshown(9)] == [TORONTO]
    assert (await stores.facts.sheet_of(key(organizer))).lines == ()
    assert len((await stores.facts.sheet_of(key(organizer, date(2027, 2, 28)))).lines) == 1


async def test_a_fact_that_moves_touches_the_day_it_was_on_and_the_one_it_is_on(stores, organizer) -> None:
    one = fact(organizer)
    await stores.facts.file(one, zone(organizer, 1, "UTC"))
    (first,) = await stores.facts.uncounted(9)
    assert first.touched == {key(organizer): TIME}
    await stores.facts.counted([first])
    assert await stores.facts.uncounted(9) == []
    await stores.facts.file(one, zone(organizer, 2, TORONTO))
    (second,) = await stores.facts.uncounted(9)
    assert second.touched == dict.fromkeys([key(organizer), key(organizer, date(2027, 2, 28))], TIME)


async def test_what_was_filed_since_notes_were_read_has_notes_of_its_own(stores, organizer) -> None:
    one = fact(organizer)
    await stores.facts.file(one, zone(organizer, 1))
    to_count, to_show = await stores.facts.uncounted(9), await stores.facts.unshown(9)
    await stores.facts.file(one, zone(organizer, 2, TORONTO))
    await stores.facts.counted(to_count)
    await stores.facts.shown(to_show)
    assert len(await stores.facts.uncounted(9)) == len(await stores.facts.unshown(9)) == 1


async def test_many_filed_at_once_among_them_repeats_and_one_that_moves_are_each_there_once(stores, organizer) -> None:
    known, moving, *new = (fact(organizer, id=f"{organizer}-{n}") for n in range(20))
    await stores.facts.file(known, zone(organizer, 2))
    await stores.facts.file(moving, zone(organizer, 1, TORONTO))
    for note in await stores.facts.uncounted(99):
        await stores.facts.counted([note])
    silent = fact(organizer, kind=Kind.PAYMENT_UNCLAIMED, payment=f"{organizer}-lost", lines=())
    everything = [known, moving, *new, silent]
    await asyncio.gather(*(stores.facts.file(each, zone(organizer, 2)) for each in everything * 2))
    (line,) = (await stores.facts.sheet_of(key(organizer))).lines
    assert line.figures.tickets_sold == 20
    touched = [each for note in await stores.facts.uncounted(99) for each in note.touched]
    assert set(touched) == {key(organizer), key(organizer, date(2027, 2, 28))}
    assert (await stores.facts.of_payment(silent.payment)).id == silent.id
    assert await stores.facts.shown_count() == 20 - 21  # all stand in notes, the one that moved in two


async def test_facts_in_another_zone_are_those_an_earlier_version_put_there(stores, organizer) -> None:
    await stores.facts.file(fact(organizer, id=f"{organizer}-old"), zone(organizer, 1))
    await stores.facts.file(fact(organizer), zone(organizer, 3))
    await stores.facts.file(fact(organizer), zone(organizer, 2, TORONTO))
    await stores.facts.file(fact("organizers/other" + organizer[-8:]), zone("organizers/other", 1))
    found = await stores.facts.filed_before(zone(organizer, 2, TORONTO), 9)
    assert [each.fact.id for each in found] == [f"{organizer}-old"]


async def test_sums_are_exact_beyond_what_a_double_holds(stores, organizer) -> None:
    for gross in (2**62, 2**62 - 2, 1):
        await stores.facts.file(fact(organizer, gross=gross), zone(organizer, 1))
    (line,) = (await stores.facts.sheet_of(key(organizer))).lines
    assert line.figures.gross == 2**63 - 1


async def test_only_one_of_those_who_read_a_sheet_writes_it(stores, organizer) -> None:
    sheet = Sheet(key(organizer), ())
    for version in range(3):
        assert await stores.sheets.version(sheet.key) == version
        written = await asyncio.gather(*(stores.sheets.replace(sheet, version) for _ in range(5)))
        assert written.count(True) == 1


async def test_sheets_are_found_by_day_and_event(stores, organizer) -> None:
    kept = [
        Sheet(SheetKey(organizer, date(2027, 3, day), event), (Line("t", "CAD", Figures(gross=day)),))
        for day in (1, 2, 3)
        for event in ("events/a", "events/b")
    ]
    for each in kept:
        assert await stores.sheets.replace(each, 0)
    found = await stores.sheets.of_organizer(organizer, date(2027, 3, 2), date(2027, 3, 3), "events/b")
    assert sorted(each.key for each in found) == [kept[3].key, kept[5].key]
    everything = await stores.sheets.of_organizer(organizer, date.min, date.max, "")
    assert sorted(everything, key=lambda each: each.key) == kept


async def test_what_became_of_a_payment_is_found(stores, organizer) -> None:
    paid, lost, free = (f"payments/{new_id()}" for _ in range(3))
    await stores.facts.file(fact(organizer, payment=paid, id=f"{paid}-sale"), zone(organizer, 1))
    await stores.facts.file(fact(organizer, payment=paid, kind=Kind.REFUND_COMPLETED), zone(organizer, 1))
    await stores.facts.file(fact(organizer, payment=lost, kind=Kind.PAYMENT_UNCLAIMED, lines=()), zone(organizer, 1))
    assert (await stores.facts.of_payment(paid)).id == f"{paid}-sale"
    assert (await stores.facts.of_payment(lost)).kind is Kind.PAYMENT_UNCLAIMED
    assert await stores.facts.of_payment(free) is None


async def test_freshness_stops_before_what_is_not_counted_or_not_settled(stores, organizer) -> None:
    async def fresh() -> datetime | None:
        return await _fresh_as_of(stores.facts, stores.sheets, stores.unsettled, organizer)

    assert await fresh() is None
    await stores.facts.file(fact(organizer), zone(organizer, 1))
    await count_sales(stores.facts, stores.sheets)
    assert await fresh() == TIME
    for hours in (2, 1):
        await stores.facts.file(fact(organizer, time=TIME + timedelta(hours=hours)), zone(organizer, 1))
    assert await fresh() == TIME + timedelta(hours=1)
    await count_sales(stores.facts, stores.sheets)
    assert await fresh() == TIME + timedelta(hours=2)
    stores.unsettled.since = TIME - timedelta(days=1)
    assert await fresh() == TIME - timedelta(days=1)


async def test_an_index_that_lost_facts_gets_them_again(stores, organizer) -> None:
    for n in range(5):
        await stores.facts.file(fact(organizer, id=f"{organizer}-{n}"), zone(organizer, 1))
    stores.index.busy = {f"{organizer}-0"}
    assert await show_facts(stores.facts, stores.index) == 5
    assert [each.facts[0].fact.id for each in await stores.facts.unshown(9)] == [f"{organizer}-0"]
    assert not await heal_index(stores.facts, stores.index)
    stores.index.busy = set()
    while await show_facts(stores.facts, stores.index):
        pass
    stores.index.documents.popitem()
    assert await heal_index(stores.facts, stores.index)
    while await show_facts(stores.facts, stores.index):
        pass
    assert await stores.index.held() == 5
    assert not await heal_index(stores.facts, stores.index)
