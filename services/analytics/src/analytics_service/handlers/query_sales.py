"""Answer what was sold."""

from datetime import date, datetime

from analytics_service.domain.ports import Facts, Organizers, Sheets, Unsettled
from analytics_service.domain.sales import SalesQuery, SalesReport, rows_of
from domain_kit.refusals import FailedPrecondition

# A row is some 100 bytes on the wire and an answer has to stay well below 4 MiB.
MOST_ROWS = 10_000


async def query_sales(
    facts: Facts, sheets: Sheets, organizers: Organizers, unsettled: Unsettled, query: SalesQuery, *, now: datetime
) -> SalesReport:
    """FailedPrecondition ROWS_TOO_MANY. An organizer nothing was told of yet has sold nothing yet."""
    zone = await organizers.zone(query.organizer)
    if zone is None:
        return SalesReport((), (), "", None)
    # Before the sheets: what is counted by now is in the sheets read after it.
    fresh_as_of = await _fresh_as_of(facts, sheets, unsettled, query.organizer)
    start, end = query.start or date.min, query.end or zone.day(now)
    found = await sheets.of_organizer(query.organizer, start, end, query.event)
    rows = rows_of(found, query.group_by, in_event_currency=query.in_event_currency)
    if len(rows) > MOST_ROWS:
        raise FailedPrecondition(
            "ROWS_TOO_MANY",
            f"This makes {len(rows)} rows, at most {MOST_ROWS} are answered: ask for fewer days or groups.",
            metadata={"rows": str(len(rows)), "most": str(MOST_ROWS)},
        )
    totals = rows_of(found, frozenset(), in_event_currency=query.in_event_currency)
    return SalesReport(rows, totals, zone.name, fresh_as_of)


async def _fresh_as_of(facts: Facts, sheets: Sheets, unsettled: Unsettled, organizer: str) -> datetime | None:
    """In the order facts go: what leaves one place while this looks is found in the next, or is counted."""
    newest = await sheets.newest(organizer)
    open_since = [await unsettled.oldest(organizer), await facts.oldest_uncounted(organizer)]
    return min((each for each in open_since if each), default=newest)
