"""Money and instants keep their value over the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import money_pb2
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from resource_api import money_from_wire, money_to_wire, time_from_wire, time_to_wire


@given(st.integers(-(2**50), 2**50), st.sampled_from(["CAD", "JPY", "KWD"]))
def test_money_comes_back_as_it_went(minor_units, currency):
    money = Money(minor_units, currency)
    assert money_from_wire(money_to_wire(money)) == money


def test_bad_money_names_its_field():
    for message, reason, field in (
        (money_pb2.Money(currency_code="XXX1", units=1), "CURRENCY_UNKNOWN", "price.currency_code"),
        (money_pb2.Money(currency_code="JPY", nanos=5), "AMOUNT_TOO_PRECISE", "price"),
        (money_pb2.Money(currency_code="CAD", units=1, nanos=-5), "AMOUNT_INVALID", "price"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            money_from_wire(message, field="price")
        assert (caught.value.reason, caught.value.violations[0].field) == (reason, field)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 as it asks
def test_instants_come_back_to_the_millisecond(instant):
    cut = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    if cut != datetime(1970, 1, 1, tzinfo=UTC):
        assert time_from_wire(time_to_wire(instant)) == cut


def test_zones_become_utc_and_local_times_are_refused():
    berlin = datetime(2027, 5, 1, 20, tzinfo=timezone(timedelta(hours=2)))
    assert time_from_wire(time_to_wire(berlin)) == datetime(2027, 5, 1, 18, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        time_to_wire(berlin.replace(tzinfo=None))


def test_what_is_not_set_is_none_both_ways():
    assert time_to_wire(None) is None
    assert time_from_wire(Timestamp()) is None


def test_an_instant_outside_the_calendar_is_refused():
    with pytest.raises(InvalidArgument, match="TIME_OUT_OF_RANGE"):
        time_from_wire(Timestamp(seconds=10**15), field="start_time")


@pytest.mark.parametrize("end", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_an_instant_that_some_zone_cannot_tell_is_refused(end):
    with pytest.raises(InvalidArgument, match="TIME_OUT_OF_RANGE"):
        time_from_wire(time_to_wire(end), field="start_time")
