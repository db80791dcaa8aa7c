"""Calendar entries of an event are made from one, and each is as if it had been made by itself."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from domain_kit.ids import new_id
from notification_service.domain.letter import Occasion
from notification_service.outbound.attachments import calendar_entry
from ticket_documents import content
from ticket_documents.calendar_entry import Entry, calendar_of

START = datetime(2027, 6, 1, 13, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)
SLY = "a\nUID:" + "0" * 26 + "\nDTSTAMP:20000101T000000Z\n"


@given(TEXTS, TEXTS, st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.none() | st.just("b1"))  # noqa: DTZ001
@example(SLY, SLY, datetime(2027, 1, 1), None)  # noqa: DTZ001
def test_an_entry_is_what_it_would_be_alone(title: str, place: str, stamp: datetime, id: str | None) -> None:
    stamp, booking = stamp.replace(tzinfo=UTC), id or new_id()
    occasion = Occasion("events/e", title, START, START + timedelta(hours=2), "America/Toronto", place)
    told = content.Occasion(
        event=occasion.event, title=title, start_time=START, end_time=occasion.end_time,
        time_zone=occasion.time_zone, venue=place, homepage_uri="",
    )  # fmt: skip
    alone = calendar_of([Entry(told, booking)], stamp=stamp)
    for _ in range(2):
        assert calendar_entry(occasion, f"events/e/bookings/{booking}", stamp) == alone
