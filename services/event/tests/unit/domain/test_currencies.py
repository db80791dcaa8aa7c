"""An event is sold in one currency; others are offered at dated rates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.currencies import OfferedCurrency
from event_service.domain.details import EventDetails
from event_service.domain.event import Event, draft
from event_service.domain.terms import BookingTerms, ServiceFee
from event_service.domain.ticket_type import TicketType

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
YEN = OfferedCurrency("JPY", "163.25", NOW, "by hand")
DETAILS = EventDetails(
    title="PyCon",
    start_time=NOW + timedelta(days=30),
    end_time=NOW + timedelta(days=31),
    time_zone="Europe/Berlin",
    online=True,
    currency_code="EUR",
    offered_currencies=(YEN,),
)
STANDARD = TicketType("standard", "Standard", Money(4900, "EUR"), ("hall",))


def made(**change: Any) -> Event:
    return draft("events/e", "organizers/o", replace(DETAILS, **change), NOW)[0]


def sold(**change: Any) -> Event:
    event, _ = made(**change).with_part(CapacityPool("hall", "Hall", 50), NOW)
    return event.with_part(STANDARD, NOW)[0]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"currency_code": "XXQ"}, ["currency_code"]),
        ({"currency_code": ""}, ["currency_code"]),
        ({"offered_currencies": (replace(YEN, currency_code="XXQ"),)}, ["offered_currencies[0].currency_code"]),
        ({"offered_currencies": (replace(YEN, currency_code="EUR"),)}, ["offered_currencies[0].currency_code"]),
        ({"offered_currencies": (YEN, YEN)}, ["offered_currencies[1].currency_code"]),
        ({"offered_currencies": (replace(YEN, rate="0"),)}, ["offered_currencies[0].rate"]),
        ({"offered_currencies": (replace(YEN, rate="1e3"),)}, ["offered_currencies[0].rate"]),
        ({"offered_currencies": (replace(YEN, rate="10000000000.1"),)}, ["offered_currencies[0].rate"]),
        ({"offered_currencies": (replace(YEN, rate_source=" "),)}, ["offered_currencies[0].rate_source"]),
        ({"offered_currencies": (replace(YEN, rate_time=None),)}, ["offered_currencies[0].rate_time"]),
        (
            {"offered_currencies": (replace(YEN, rate_time=NOW + timedelta(minutes=6)),)},
            ["offered_currencies[0].rate_time"],
        ),
    ],
)
def test_wrong_currencies_are_refused_by_field(change: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        made(**change)
    assert (refused.value.reason, [each.field for each in refused.value.violations]) == (
        "EVENT_INVALID",
        [f"event.{field}" for field in fields],
    )


def test_rates_may_change_while_tickets_are_sold() -> None:
    event, _ = sold().published(NOW)
    details = replace(event.details, offered_currencies=(replace(YEN, rate="170"),))
    after, told = event.revised(details, NOW)
    assert (after.details.offered_currencies[0].rate, told) == ("170", [facts.EventUpdated(("offered_currencies",))])


def test_all_prices_are_in_the_currency_of_the_event() -> None:
    with pytest.raises(InvalidArgument) as refused:
        sold().with_part(replace(STANDARD, id="other", price=Money(1, "USD")), NOW)
    assert refused.value.violations[0].field == "ticket_type.price.currency_code"
    with pytest.raises(InvalidArgument) as refused:
        sold().revised(replace(DETAILS, currency_code="USD"), NOW)
    assert refused.value.violations[0].field == "event.currency_code"
    with pytest.raises(InvalidArgument) as refused:
        made(booking_terms=BookingTerms(service_fee=ServiceFee(Money(100, "USD"))))
    assert refused.value.violations[0].field == "event.booking_terms.service_fee.fixed.currency_code"


def test_an_event_that_names_no_currency_sells_in_that_of_its_ticket_types() -> None:
    event = sold(currency_code="", offered_currencies=())
    event, _ = event.with_part(replace(STANDARD, id="other", price=Money(1, "USD")), NOW)
    assert len(event.offer.ticket_types) == 2
