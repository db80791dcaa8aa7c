"""Sales queries and reports as messages."""

from datetime import date

from google.type import date_pb2

from analytics_service.domain.sales import Dimension, Row, SalesQuery, SalesReport
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from resource_api import money_to_wire, time_to_wire
from usher.analytics.v1 import analytics_service_pb2 as pb

DIMENSIONS = {
    pb.QuerySalesRequest.Dimension.Value(f"DIMENSION_{dimension.name}"): dimension for dimension in Dimension
}  # fmt: skip


def query_of(request: pb.QuerySalesRequest) -> SalesQuery:
    """What is asked; InvalidArgument DATE_INVALID, DATES_REVERSED, DIMENSION_INVALID with the field."""
    start = _day_of(request.start_date, "start_date") if request.HasField("start_date") else None
    end = _day_of(request.end_date, "end_date") if request.HasField("end_date") else None
    if start and end and end < start:
        raise InvalidArgument.of("end_date", "must not be before start_date.", reason="DATES_REVERSED")
    for place, dimension in enumerate(request.group_by):
        if dimension not in DIMENSIONS:
            known = ", ".join(f"DIMENSION_{each.name}" for each in Dimension)
            raise InvalidArgument.of(f"group_by[{place}]", f"must be one of {known}.", reason="DIMENSION_INVALID")
    group_by = frozenset(DIMENSIONS[dimension] for dimension in request.group_by)
    in_event_currency = request.currency_basis == pb.QuerySalesRequest.CURRENCY_BASIS_EVENT
    return SalesQuery(request.parent, start, end, request.event, group_by, in_event_currency)


def report_message(report: SalesReport) -> pb.QuerySalesResponse:
    """The answer."""
    return pb.QuerySalesResponse(
        rows=[_row_message(row) for row in report.rows],
        totals=[_row_message(row) for row in report.totals],
        time_zone=report.time_zone,
        fresh_as_of=time_to_wire(report.fresh_as_of),
    )


def _row_message(row: Row) -> pb.SalesRow:
    figures = row.figures
    gross, refunded = Money(figures.gross, row.currency), Money(figures.refunded, row.currency)
    return pb.SalesRow(
        day=date_pb2.Date(year=row.day.year, month=row.day.month, day=row.day.day) if row.day else None,
        event=row.event,
        ticket_type=row.ticket_type,
        currency_code=row.currency,
        bookings_confirmed=row.bookings_confirmed,
        bookings_cancelled=row.bookings_cancelled,
        tickets_sold=figures.tickets_sold,
        tickets_cancelled=figures.tickets_cancelled,
        tickets_checked_in=figures.tickets_checked_in,
        gross=money_to_wire(gross),
        refunded=money_to_wire(refunded),
        net=money_to_wire(gross - refunded),
        bookings_completed=row.bookings_completed,
        bookings_no_show=row.bookings_no_show,
    )


def _day_of(message: date_pb2.Date, field: str) -> date:
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise InvalidArgument.of(
            field, "must be a day of the calendar, with year, month and day.", reason="DATE_INVALID"
        ) from None
