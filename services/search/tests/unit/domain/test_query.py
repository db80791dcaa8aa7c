"""Questions that make no sense are refused with every field that is wrong."""

from datetime import UTC, datetime

import pytest

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from search_service.domain.query import Order, Point, SearchQuery, check_query

INSTANT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (SearchQuery(start_after=INSTANT, start_before=INSTANT), ["start_before"]),
        (SearchQuery(center=Point(1, 1)), ["radius_meters"]),
        (SearchQuery(radius_meters=5), ["center"]),
        (SearchQuery(order=Order.DISTANCE), ["center"]),
        (SearchQuery(center=Point(91, 181), radius_meters=5), ["center.latitude", "center.longitude"]),
        (SearchQuery(center=Point(float("nan"), 0), radius_meters=5), ["center.latitude"]),
        (SearchQuery(center=Point(0, float("inf")), radius_meters=5), ["center.longitude"]),
        (SearchQuery(price_min=Money(-1, "EUR")), ["price_min"]),
        (SearchQuery(price_max=Money(-1, "EUR")), ["price_max"]),
        (SearchQuery(price_min=Money(2, "EUR"), price_max=Money(1, "EUR")), ["price_max"]),
        (SearchQuery(price_min=Money(0, "EUR"), price_max=Money(1, "USD")), ["price_max.currency_code"]),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named(query: SearchQuery, fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_query(query)
    assert [each.field for each in refused.value.violations] == fields


def test_a_question_that_makes_sense_passes() -> None:
    price = Money(0, "EUR")
    check_query(SearchQuery())
    check_query(
        SearchQuery(center=Point(-90, 180), radius_meters=1, order=Order.DISTANCE, price_min=price, price_max=price)
    )


def test_the_order_suits_the_question_unless_said() -> None:
    assert SearchQuery().wanted_order is Order.START_TIME
    assert SearchQuery(text=" ").wanted_order is Order.START_TIME
    assert SearchQuery(text="jazz").wanted_order is Order.RELEVANCE
    assert SearchQuery(text="jazz", order=Order.PRICE).wanted_order is Order.PRICE


def test_an_amount_of_nothing_has_a_currency_too() -> None:
    assert SearchQuery(price_min=Money(0, "EUR"), price_max=Money(5, "EUR")).currency == "EUR"
    assert SearchQuery(price_max=Money(0, "USD")).currency == "USD"
    assert SearchQuery().currency == ""
