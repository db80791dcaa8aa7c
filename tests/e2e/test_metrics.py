"""After a journey every service shows what it declares, with samples, and no label tells who it was."""

import re
from importlib import import_module

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from local_stack.platform_processes import SERVICES
from local_stack.stack import Stack
from telemetry import Declared
from usher_cli.accounts import eventually
from usher_cli.api import Api
from usher_cli.journey import STEPS, Journey

pytestmark = pytest.mark.timeout(300)

# An id (ULID, UUID, number of some length) or an address.
SOMEBODY = re.compile(r"[0-9a-z]{26}|[0-9a-f]{8}-[0-9a-f]{4}-|\d{6}|@")
MOST_SERIES = 1500


@pytest.fixture(scope="module")
def travelled(stack: Stack, api: Api) -> Journey:
    journey = Journey(api, stack.mail())
    for step in STEPS:
        step(journey)
    return journey


def families_of(stack: Stack, service: str) -> dict:
    port = stack.state().ports[f"{service}_metrics"]
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text) if family.name.startswith("usher_")}


def declared(service: str) -> dict[str, Declared]:
    """By the name of the family, which a parser gives without its suffix."""
    metrics = import_module(f"{service}_service.metrics").METRICS
    return {each.name.removesuffix("_total"): each for each in metrics}


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_metric_has_a_sample_unless_it_says_when(service: str, stack: Stack, travelled: Journey) -> None:
    def none_is_empty() -> bool | None:
        empty = [name for name, family in families_of(stack, service).items() if not family.samples]
        missing = [name for name in empty if not declared(service)[name].rare]
        return not missing or None

    eventually(none_is_empty, seconds=20, what=f"samples of all that {service} declares")
    assert families_of(stack, service).keys() == declared(service).keys()


@pytest.mark.parametrize("service", SERVICES)
def test_labels_are_those_declared_and_name_nobody(service: str, stack: Stack, travelled: Journey) -> None:
    """INVARIANT: the number of series does not grow with users, events or bookings."""
    for name, family in families_of(stack, service).items():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels <= set(declared(service)[name].labels), name
        values = {value for sample in family.samples for label, value in sample.labels.items() if label != "le"}
        assert [value for value in values if SOMEBODY.search(value)] == [], name
        assert len(family.samples) <= MOST_SERIES, name


def test_the_business_shows_what_happened(stack: Stack, travelled: Journey) -> None:
    def value(service: str, name: str, **labels: str) -> float:
        samples = families_of(stack, service)[name.removesuffix("_total")].samples
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())

    assert value("user", "usher_users_total", outcome="registered") >= 2
    assert value("event", "usher_events_total", outcome="published") >= 1
    assert value("booking", "usher_bookings_total", outcome="confirmed") >= 1
    assert value("booking", "usher_tickets_issued_total") >= travelled.quantity
    assert value("booking", "usher_check_ins_total", outcome="admitted") >= 1
    assert value("payment", "usher_payments_total", gateway="stripe", outcome="succeeded") >= 1
    assert value("payment", "usher_payments_total", gateway="stripe", outcome="failed") >= 1
    assert value("payment", "usher_payments_captured_minor_units_total", currency="EUR") >= 9800
    assert value("payment", "usher_ledger_mismatches") == 0
    assert value("notification", "usher_notifications_total", template="booking_confirmed", outcome="delivered") >= 1
    assert value("search", "usher_searches_total", outcome="found") >= 1
    assert value("analytics", "usher_facts_total", kind="BOOKING_CONFIRMED") >= 1
    refused = {"method": "usher.booking.v1.BookingService/CheckInTicket", "reason": "TICKET_CHECKED_IN"}
    assert value("booking", "usher_rpc_server_refusals_total", **refused) >= 1
