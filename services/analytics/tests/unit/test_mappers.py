"""Documents and messages keep every field."""

from dataclasses import astuple, fields
from datetime import UTC, date, datetime

import pytest
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, Kind, Line, SheetKey, ToCount, ToShow
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Dimension, Row, SalesQuery, SalesReport, Sheet
from analytics_service.outbound.documents import (
    fact_document,
    filed_fact,
    sheet_document,
    sheet_of,
    shown_documents,
    to_count,
    to_count_document,
    to_show,
    to_show_document,
)
from analytics_service.outbound.fact_index import MAPPING
from analytics_service.wire.sales import query_of, report_message
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Unavailable
from mongo_store import as_stored
from resource_api import money_from_wire
from usher.analytics.v1 import analytics_service_pb2 as pb

TEXTS = st.text("abc/é", max_size=6)
LONGS = st.integers(0, 2**63 - 1)
FIGURES = st.builds(Figures, **{each.name: LONGS for each in fields(Figures)})
CURRENCIES = st.sampled_from(["CAD", "JPY", "KWD"])
LINES = st.lists(st.builds(Line, TEXTS, CURRENCIES, FIGURES, st.just("") | CURRENCIES), max_size=3).map(tuple)
DAYS = st.dates(date(1, 1, 2), date(9999, 12, 30))
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants naive bounds
    lambda each: each.replace(microsecond=each.microsecond // 1000 * 1000, tzinfo=UTC)
)
FACTS = st.builds(
    Fact, TEXTS.filter(bool), st.sampled_from(Kind), st.just("organizers/o"), TEXTS, TEXTS, TEXTS, TIMES, LINES
)
ZONES = st.builds(
    OrganizerZone, st.just("organizers/o"), st.integers(1, 2**40), st.sampled_from(["UTC", "Asia/Kathmandu"])
)
FILED = st.builds(FiledFact, FACTS, ZONES)
KEYS = st.builds(SheetKey, TEXTS, DAYS, TEXTS)


@given(FILED)
def test_a_fact_survives_its_document(filed: FiledFact) -> None:
    assert filed_fact(as_stored(fact_document(filed))) == filed


@given(st.builds(ToCount, TEXTS, st.dictionaries(KEYS, TIMES, max_size=3)))
def test_a_note_of_what_is_to_be_counted_survives_its_document(note: ToCount) -> None:
    assert to_count(as_stored(to_count_document(note))) == note


@given(st.builds(ToShow, TEXTS, st.lists(FILED, max_size=3).map(tuple)))
def test_a_note_of_what_is_to_be_shown_survives_its_document(note: ToShow) -> None:
    assert to_show(as_stored(to_show_document(note))) == note


@given(st.builds(Sheet, KEYS, LINES, st.none() | TIMES))
def test_a_sheet_survives_its_document(sheet: Sheet) -> None:
    assert sheet_of(as_stored(sheet_document(sheet))) == sheet


@given(FILED)
def test_what_is_shown_fits_the_mapping(filed: FiledFact) -> None:
    shown = shown_documents(filed)
    assert len(shown) == len(filed.fact.lines)
    for document in shown.values():
        assert set(document) <= set(MAPPING["properties"])


@given(st.none() | DAYS, TEXTS, TEXTS, CURRENCIES, FIGURES, st.booleans())
def test_a_row_says_all_figures(
    day: date | None, event: str, ticket_type: str, currency: str, figures: Figures, by_type: bool
) -> None:
    row = Row(day, event, ticket_type, currency, figures, by_type)
    (message,) = report_message(SalesReport((row,), (), "UTC", None)).rows
    assert message.HasField("day") == (day is not None)
    if day:
        assert (message.day.year, message.day.month, message.day.day) == (day.year, day.month, day.day)
    assert (message.event, message.ticket_type, message.currency_code) == (event, ticket_type, currency)
    counts = (message.bookings_confirmed, message.bookings_cancelled, message.tickets_sold)
    bookings = astuple(figures)[:2] if by_type else astuple(figures)[2:4]
    assert counts == (*bookings, figures.tickets_sold)
    ends = astuple(figures)[9:11] if by_type else astuple(figures)[11:13]
    assert (message.bookings_completed, message.bookings_no_show) == ends
    assert message.tickets_cancelled == figures.tickets_cancelled
    assert message.tickets_checked_in == figures.tickets_checked_in
    assert money_from_wire(message.gross) == Money(figures.gross, currency)
    assert money_from_wire(message.refunded) == Money(figures.refunded, currency)
    assert money_from_wire(message.net) == Money(figures.gross - figures.refunded, currency)


def test_a_query_says_what_is_asked() -> None:
    request = pb.QuerySalesRequest(
        parent="organizers/o",
        start_date=Date(year=2028, month=2, day=29),
        end_date=Date(year=2028, month=2, day=29),
        event="events/e",
        group_by=[2, 1, 3],
    )
    leap_day = date(2028, 2, 29)
    assert query_of(request) == SalesQuery("organizers/o", leap_day, leap_day, "events/e", frozenset(Dimension))
    assert query_of(pb.QuerySalesRequest(parent="organizers/o")) == SalesQuery("organizers/o")
    for basis, in_event_currency in (("PAID", False), ("EVENT", True)):
        request = pb.QuerySalesRequest(parent="organizers/o", currency_basis=f"CURRENCY_BASIS_{basis}")
        assert query_of(request) == SalesQuery("organizers/o", in_event_currency=in_event_currency)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"start_date": Date(year=2027, month=2, day=29)}, "start_date", "DATE_INVALID"),
        ({"end_date": Date(year=2027, month=2, day=30)}, "end_date", "DATE_INVALID"),
        ({"start_date": Date()}, "start_date", "DATE_INVALID"),
        ({"start_date": Date(year=2027)}, "start_date", "DATE_INVALID"),
        ({"end_date": Date(year=10000, month=1, day=1)}, "end_date", "DATE_INVALID"),
        ({"end_date": Date(year=-1, month=13, day=1)}, "end_date", "DATE_INVALID"),
        (
            {"start_date": Date(year=2027, month=3, day=2), "end_date": Date(year=2027, month=3, day=1)},
            "end_date",
            "DATES_REVERSED",
        ),
        ({"group_by": [1, 0]}, "group_by[1]", "DIMENSION_INVALID"),
    ],
)
def test_what_is_no_query_is_refused_by_its_field(change: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        query_of(pb.QuerySalesRequest(parent="organizers/o", **change))  # type: ignore[arg-type]
    assert ([each.field for each in caught.value.violations], caught.value.reason) == ([field], reason)


def test_a_zone_this_machine_does_not_know_is_waited_for() -> None:
    with pytest.raises(Unavailable) as caught:
        OrganizerZone("organizers/o", 1, "Mars/Olympus").day(datetime(2027, 1, 1, tzinfo=UTC))
    assert caught.value.reason == "TIME_ZONE_UNKNOWN"
