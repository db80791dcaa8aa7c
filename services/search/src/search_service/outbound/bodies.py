"""Questions as Elasticsearch's query language has them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from search_service.domain.folding import words_of
from search_service.domain.query import Order, SearchQuery
from search_service.outbound.highlights import END, START
from search_service.outbound.mapping import millis

Body = dict[str, Any]
FIELDS = ["title^4", "words^2", "description"]
# One typing error from four letters on, two from eight; never in the first letter.
FORGIVING: Mapping[str, Any] = {"fuzziness": "AUTO:4,8", "prefix_length": 1, "max_expansions": 25}
# Property of a facet → how many values at most. There are fewer of each in practice.
FACETS = {"category": 200, "country_code": 300, "month": 240, "online": 2, "available": 2}
VISIBLE: Mapping[str, Any] = {"term": {"visible": True}}
HIGHLIGHT: Mapping[str, Any] = {
    "pre_tags": [START],
    "post_tags": [END],
    "fields": {
        "title": {"number_of_fragments": 0},
        "description": {"number_of_fragments": 3, "fragment_size": 160},
    },
}


def search_body(query: SearchQuery, after: Sequence[Any], size: int) -> Body:
    """The body of a search; `after` is empty for the first page. Facets count all that match, on every page."""
    body: Body = {
        "query": {"bool": {"filter": _filters(query), **_text_clauses(query.text)}},
        "sort": sort_of(query),
        "size": size,
        "track_total_hits": True,
        "aggs": {name: {"terms": {"field": name, "size": size_}} for name, size_ in FACETS.items()},
    }
    if words_of(query.text):
        body["highlight"] = HIGHLIGHT
    if after:
        body["search_after"] = list(after)
    return body


def sort_of(query: SearchQuery) -> list[Body]:
    """The order asked for, ties broken by name."""
    by_name: Body = {"name": {"order": "asc"}}
    match query.wanted_order:
        case Order.RELEVANCE:
            return [{"_score": {"order": "desc"}}, by_name]
        case Order.START_TIME:
            return [{"start_time": {"order": "asc", "missing": "_last"}}, by_name]
        case Order.PRICE:
            path = f"prices.{query.currency}" if query.currency else "cheapest"
            amount = {"order": "asc", "mode": "min", "missing": "_last", "unmapped_type": "long"}
            return [{"free": {"order": "desc", "missing": "_last"}}, {path: amount}, by_name]
        case Order.DISTANCE:
            center = {"location": _point(query), "order": "asc", "unit": "m"}
            return [{"_geo_distance": center}, by_name]


def suggest_body(prefix: str, start_after: datetime, size: int) -> Body:
    """Titles as hits, categories and cities as counts, of visible events to come."""
    starts = [{"prefix": {f"{each}_starts": {"value": prefix}}} for each in ("title", "category", "city")]
    return {
        "query": {
            "bool": {
                "filter": [
                    VISIBLE,
                    {"range": {"start_time": {"gte": millis(start_after)}}},
                    {"bool": {"should": starts, "minimum_should_match": 1}},
                ],
                # A title that begins so comes before one that has it further on.
                "should": [{"prefix": {"title_key": {"value": prefix}}}],
            }
        },
        "post_filter": starts[0],
        "collapse": {"field": "title_key"},
        "sort": [{"_score": {"order": "desc"}}, {"start_time": {"order": "asc"}}, {"name": {"order": "asc"}}],
        "size": size,
        "_source": ["name", "shown.title"],
        "aggs": {
            each: {
                "filter": {"prefix": {f"{each}_starts": {"value": prefix}}},
                "aggs": {"values": {"terms": {"field": each, "size": size}}},
            }
            for each in ("category", "city")
        },
    }


def _text_clauses(text: str) -> Body:
    """Every word must be somewhere, perhaps misspelt; right spelling and the words together in the title score more."""
    if not text.strip():
        return {}
    words = words_of(text)
    if not words:  # only punctuation: no event can have it
        return {"must": [{"match_none": {}}]}
    together = " ".join(words)
    return {
        "must": [
            {"multi_match": {"query": word, "fields": FIELDS, "operator": "and", "tie_breaker": 0.3, **FORGIVING}}
            for word in words
        ],
        "should": [
            {"multi_match": {"query": together, "fields": FIELDS, "tie_breaker": 0.3}},
            {"match_phrase": {"title": {"query": together, "boost": 4}}},
        ],
    }


def _filters(query: SearchQuery) -> list[Body]:
    times = {"gte": query.start_after, "lt": query.start_before}
    filters: list[Body] = [
        dict(VISIBLE),
        {"range": {"start_time": {bound: millis(instant) for bound, instant in times.items() if instant is not None}}},
    ]
    if query.center is not None:
        filters.append({"geo_distance": {"distance": f"{query.radius_meters}m", "location": _point(query)}})
    if query.currency:
        filters.append(_price_filter(query))
    if query.available_only:
        filters.append({"term": {"available": True}})
    if query.online_only:
        filters.append({"term": {"online": True}})
    if query.categories:
        filters.append({"terms": {"category": list(query.categories)}})
    if query.country_codes:
        filters.append({"terms": {"country_code": list(query.country_codes)}})
    if query.organizer:
        filters.append({"term": {"organizer": query.organizer}})
    return filters


def _price_filter(query: SearchQuery) -> Body:
    bounds = {"gte": query.price_min, "lte": query.price_max}
    units = {bound: money.minor_units for bound, money in bounds.items() if money is not None}
    within = {"range": {f"prices.{query.currency}": units}}
    if units.get("gte", 0) > 0:
        return within
    # What is free is free in every currency.
    return {"bool": {"should": [within, {"term": {"free": 1}}], "minimum_should_match": 1}}


def _point(query: SearchQuery) -> dict[str, float]:
    if query.center is None:  # check_query has refused it
        raise ValueError("no centre")
    return {"lat": query.center.latitude, "lon": query.center.longitude}
