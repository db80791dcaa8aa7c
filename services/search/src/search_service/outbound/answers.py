"""Elasticsearch's answers as the domain's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain_kit.money import Money
from elastic_store import Hit
from search_service.domain.folding import key_of
from search_service.domain.listing import Place, cheapest
from search_service.domain.ports import Facet, Found, Suggestion
from search_service.domain.query import Point, SearchQuery
from search_service.outbound.bodies import FACETS
from search_service.outbound.highlights import marked_html

# Mean radius of the earth in metres (IUGG); Elasticsearch measures on the same sphere.
EARTH_RADIUS = 6_371_008.8
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def found_of(hit: Hit, query: SearchQuery) -> Found:
    """One event of a page."""
    source, shown = hit.source, hit.source["shown"]
    location = source.get("location")
    prices = tuple(Money(units, currency) for units, currency in shown["prices"])
    return Found(
        name=source["name"],
        organizer=source.get("organizer", ""),
        title=shown["title"],
        title_highlight="".join(marked_html(shown["title"], hit.highlight.get("title", ()))),
        description_highlights=marked_html(shown["description"], hit.highlight.get("description", ())),
        start_time=_instant(source["start_time"]),
        end_time=_instant(shown["end_time"]),
        time_zone=shown["time_zone"],
        place=Place(
            venue=shown["venue"],
            city=shown["city"],
            country_code=source.get("country_code", ""),
            latitude=location["lat"] if location else None,
            longitude=location["lon"] if location else None,
        ),
        online=source["online"],
        category=source.get("category", ""),
        price_from=cheapest(prices, query.currency),
        available=source["available"],
        distance_meters=_meters(query.center, location) if query.center and location else None,
    )


def facets_of(aggregations: Mapping[str, Any]) -> tuple[Facet, ...]:
    """Counts by property: most frequent first, months in order."""
    return tuple(_facet(each, aggregations[each]["buckets"]) for each in FACETS)


def suggestions_of(
    prefix: str, titles: Iterable[Hit], aggregations: Mapping[str, Any], limit: int
) -> Sequence[Suggestion]:
    """At most `limit`: what begins with the prefix before what has it further on; categories, cities, titles.

    Categories and cities take at most a quarter each, so that titles are seen as well.
    """
    few = max(1, limit // 4)
    places = [
        Suggestion(bucket["key"], kind)
        for kind in ("category", "city")
        for bucket in aggregations[kind]["values"]["buckets"][:few]
    ]
    wanted = [*places, *(Suggestion(hit.source["shown"]["title"], "title", hit.source["name"]) for hit in titles)]
    return sorted(wanted, key=lambda each: not key_of(each.text).startswith(prefix))[:limit]


def _facet(name: str, buckets: Sequence[Mapping[str, Any]]) -> Facet:
    values = [(_value(each), int(each["doc_count"])) for each in buckets]
    order = (lambda each: (0, each[0])) if name == "month" else (lambda each: (-each[1], each[0]))
    return Facet(name, tuple(sorted(values, key=order)))


def _value(bucket: Mapping[str, Any]) -> str:
    """Booleans come as 0 and 1 with words beside them, or as booleans."""
    return str(bucket.get("key_as_string", bucket["key"])).lower() if _is_boolean(bucket) else str(bucket["key"])


def _is_boolean(bucket: Mapping[str, Any]) -> bool:
    return isinstance(bucket["key"], bool) or bucket.get("key_as_string") in ("true", "false")


def _instant(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _meters(center: Point, location: Mapping[str, float]) -> float:
    """Along a great circle (haversine formula)."""
    north, south = math.radians(center.latitude), math.radians(location["lat"])
    turn = math.radians(location["lon"] - center.longitude)
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(turn / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(chord)))
