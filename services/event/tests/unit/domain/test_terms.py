"""The terms of booking: what makes them wrong, and that changing them is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from event_service.domain import domain_events as facts
from event_service.domain.details import EventDetails
from event_service.domain.event import draft
from event_service.domain.terms import BookingTerms, RefundStep, ServiceFee, WaitingRoomTerms, terms_problems

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
DETAILS = EventDetails("PyCon", NOW + timedelta(days=30), NOW + timedelta(days=31), "America/Toronto", online=True)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"refund_steps": (RefundStep(DAY, 5000), RefundStep(2 * DAY, 10_000))}, ["refund_steps[1].before_start"]),
        ({"refund_steps": (RefundStep(DAY, 5000), RefundStep(DAY, 10))}, ["refund_steps[1].before_start"]),
        ({"service_fee": ServiceFee(Money(-1, "EUR"))}, ["service_fee.fixed"]),
        ({"service_fee": ServiceFee(Money(10**12 + 1, "EUR"))}, ["service_fee.fixed"]),
        ({"waiting_room": WaitingRoomTerms(enabled=True)}, ["waiting_room.admissions_per_minute"]),
        ({"ticket_logo": b"GIF89a"}, ["ticket_logo"]),
        ({"ticket_logo": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, ["ticket_logo"]),
    ],
)
def test_wrong_terms_are_refused_with_every_field_named(change: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        draft("events/e", "organizers/o", replace(DETAILS, booking_terms=BookingTerms(**change)), NOW)
    assert caught.value.reason == "EVENT_INVALID"
    assert [violation.field for violation in caught.value.violations] == [
        f"event.booking_terms.{field}" for field in fields
    ]


@pytest.mark.parametrize("logo", [b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 9, b"\xff\xd8\xff\xe0" + b"\0" * 9])
def test_right_terms_are_taken(logo: bytes) -> None:
    terms = BookingTerms(
        refund_steps=(RefundStep(30 * DAY, 10_000), RefundStep(DAY, 5000), RefundStep(timedelta(), 0)),
        service_fee=ServiceFee(Money(100, "EUR"), 250),
        waiting_room=WaitingRoomTerms(enabled=True, admissions_per_minute=60),
        ticket_logo=logo,
    )
    assert list(terms_problems(terms)) == []


def test_terms_change_while_a_sale_runs_and_that_is_told() -> None:
    event, _ = draft("events/e", "organizers/o", DETAILS, NOW)
    terms = BookingTerms(max_tickets_per_booking=4)
    event, made = event.revised(replace(DETAILS, booking_terms=terms), NOW)
    assert (event.details.booking_terms, made) == (terms, [facts.EventUpdated(("booking_terms",))])
