"""Questions about sales."""

from datetime import UTC, date, datetime

import pytest

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Line, SheetKey
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Dimension, SalesQuery, SalesReport, Sheet
from analytics_service.handlers import query_sales as module
from analytics_service.handlers.query_sales import query_sales
from domain_kit.refusals import FailedPrecondition

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)


async def ask(stores, now: datetime = NOON, **query: object) -> SalesReport:
    return await query_sales(
        stores.facts, stores.sheets, stores.organizers, stores.unsettled, SalesQuery("o", **query), now=now
    )  # fmt: skip


@pytest.fixture
async def sold(memory_stores):
    stores = memory_stores()
    await stores.organizers.follow(OrganizerZone("o", 1, "Pacific/Kiritimati"))
    for day in (9, 10, 11):
        key = SheetKey("o", date(2027, 3, day), "e")
        lines = tuple(Line(kind, "CAD", Figures(1, 0, int(kind == "a"), gross=day)) for kind in "ab")
        await stores.sheets.replace(Sheet(key, lines), 0)
    return stores


async def test_the_end_is_today_on_the_organizers_clock(sold) -> None:
    assert (await ask(sold)).totals[0].figures.gross == 2 * (9 + 10 + 11)
    assert (await ask(sold, now=NOON.replace(hour=9))).totals[0].figures.gross == 2 * (9 + 10)


async def test_days_are_included_on_both_ends(sold) -> None:
    report = await ask(sold, start=date(2027, 3, 9), end=date(2027, 3, 10), group_by=frozenset([Dimension.DAY]))
    assert [row.day for row in report.rows] == [date(2027, 3, 9), date(2027, 3, 10)]
    assert not (await ask(sold, event="other")).rows


async def test_a_booking_of_two_types_counts_in_both_and_once_in_the_total(sold) -> None:
    report = await ask(sold, group_by=frozenset([Dimension.TICKET_TYPE]), end=date(2027, 3, 9))
    assert [(row.ticket_type, row.bookings_confirmed) for row in report.rows] == [("a", 1), ("b", 1)]
    assert [row.bookings_confirmed for row in report.totals] == [1]


async def test_an_organizer_nothing_was_told_of_has_sold_nothing(memory_stores) -> None:
    assert await ask(memory_stores()) == SalesReport((), (), "", None)


async def test_more_rows_than_an_answer_holds_are_refused(sold, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with pytest.raises(FailedPrecondition) as caught:
        await ask(sold, group_by=frozenset([Dimension.DAY]))
    assert (caught.value.reason, caught.value.metadata["rows"]) == ("ROWS_TOO_MANY", "3")
