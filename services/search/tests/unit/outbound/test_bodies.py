"""Questions become queries that every engine understands."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from domain_kit.money import Money
from search_service.domain.query import Order, Point, SearchQuery
from search_service.outbound.bodies import FACETS, search_body, sort_of, suggest_body

START = datetime(2027, 1, 1, tzinfo=UTC)
QUERY = SearchQuery(start_after=START)


def filters(query: SearchQuery) -> list[object]:
    """The filters beyond those every search has."""
    return search_body(query, (), 10)["query"]["bool"]["filter"][2:]


def test_only_visible_events_from_a_moment_on_are_looked_at() -> None:
    body = search_body(dataclasses.replace(QUERY, start_before=datetime(2027, 2, 1, tzinfo=UTC)), (), 11)
    assert body["query"]["bool"] == {
        "filter": [
            {"term": {"visible": True}},
            {"range": {"start_time": {"gte": 1798761600000, "lt": 1801440000000}}},
        ]
    }
    assert body["size"] == 11
    assert set(body["aggs"]) == set(FACETS)
    assert "search_after" not in body
    assert "highlight" not in body


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"available_only": True}, {"term": {"available": True}}),
        ({"online_only": True}, {"term": {"online": True}}),
        ({"categories": ("python", "go")}, {"terms": {"category": ["python", "go"]}}),
        ({"country_codes": ("DE",)}, {"terms": {"country_code": ["DE"]}}),
        ({"organizer": "organizers/o"}, {"term": {"organizer": "organizers/o"}}),
        (
            {"center": Point(48.1, 11.5), "radius_meters": 2500},
            {"geo_distance": {"distance": "2500m", "location": {"lat": 48.1, "lon": 11.5}}},
        ),
        (
            {"price_min": Money(1000, "EUR"), "price_max": Money(2000, "EUR")},
            {"range": {"prices.EUR": {"gte": 1000, "lte": 2000}}},
        ),
        (
            {"price_max": Money(0, "USD")},
            {
                "bool": {
                    "should": [{"range": {"prices.USD": {"lte": 0}}}, {"term": {"free": 1}}],
                    "minimum_should_match": 1,
                }
            },
        ),
    ],
)
def test_each_condition_is_a_filter(change: dict[str, object], expected: object) -> None:
    assert filters(dataclasses.replace(QUERY, **change)) == [expected]  # type: ignore[arg-type]


def test_every_word_must_be_found_somewhere() -> None:
    body = search_body(dataclasses.replace(QUERY, text="Müncehn, jazz!"), (), 10)
    words = [clause["multi_match"]["query"] for clause in body["query"]["bool"]["must"]]
    assert words == ["muncehn", "jazz"]
    assert "highlight" in body


def test_a_text_without_words_matches_nothing() -> None:
    assert search_body(dataclasses.replace(QUERY, text="🎉!"), (), 10)["query"]["bool"]["must"] == [{"match_none": {}}]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("price", [None, Money(5, "EUR")])
def test_every_order_is_unique_by_name(order: Order, price: Money | None) -> None:
    query = dataclasses.replace(QUERY, order=order, center=Point(1, 1), radius_meters=1, price_max=price)
    assert list(sort_of(query)[-1]) == ["name"]


def test_prices_are_ordered_in_the_currency_that_was_named() -> None:
    by_price = dataclasses.replace(QUERY, order=Order.PRICE)
    assert [next(iter(each)) for each in sort_of(by_price)] == ["free", "cheapest", "name"]
    in_euros = dataclasses.replace(by_price, price_max=Money(5, "EUR"))
    assert [next(iter(each)) for each in sort_of(in_euros)] == ["free", "prices.EUR", "name"]


def test_no_query_asks_for_what_an_engine_lacks() -> None:
    """INVARIANT: scripts, search_as_you_type, percentiles and composite aggregations are not on every engine."""
    query = dataclasses.replace(QUERY, text="jazz", center=Point(1, 1), radius_meters=1, price_max=Money(1, "EUR"))
    told = json.dumps([search_body(query, (1, "a"), 10), suggest_body("ja", START, 10)])
    for word in ("script", "bool_prefix", "percentile", "composite", "runtime_mappings", "time_zone"):
        assert f'"{word}' not in told
