"""How a listing stands in Elasticsearch: nothing in here needs a plugin, a script or a newer engine."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain_kit.money import Money
from elastic_store import IndexDefinition
from search_service.domain.folding import fold, key_of, starts_of
from search_service.domain.listing import Details, Listing, cheapest, thousandths

# Raise it with every change of MAPPING, SETTINGS or `index_document`: the next start fills a new index, then switches.
GENERATION = 1
REFRESH = 0.2  # seconds until a write is visible
LARGEST_LONG = 2**63 - 1

KEYWORD, TEXT = {"type": "keyword"}, {"type": "text", "analyzer": "standard"}
MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "dynamic_templates": [{"price_by_currency": {"path_match": "prices.*", "mapping": {"type": "long"}}}],
    "properties": {
        "name": KEYWORD,
        "revision": {"type": "long"},
        "visible": {"type": "boolean"},
        "organizer": KEYWORD,
        # Text is folded before it is indexed; what people read is in `shown`, which is only kept.
        "title": TEXT,
        "description": TEXT,
        "words": TEXT,
        "title_key": KEYWORD,
        "title_starts": KEYWORD,
        "category": KEYWORD,
        "category_starts": KEYWORD,
        "city": KEYWORD,
        "city_starts": KEYWORD,
        "country_code": KEYWORD,
        "location": {"type": "geo_point"},
        "start_time": {"type": "date", "format": "epoch_millis"},
        "month": KEYWORD,
        "online": {"type": "boolean"},
        "available": {"type": "boolean"},
        # Minor units of each ticket type's price under its currency. A range holds for one value of the field, never
        # for two of them together, so this needs no nested documents; and `min` of it orders by price.
        "prices": {"type": "object", "dynamic": True},
        "cheapest": {"type": "long"},
        "free": {"type": "integer"},
        "shown": {"type": "object", "enabled": False},
    },
}
SETTINGS: Mapping[str, Any] = {"number_of_shards": 1, "refresh_interval": f"{int(REFRESH * 1000)}ms"}


def definition(name: str) -> IndexDefinition:
    """The index behind alias `name`."""
    return IndexDefinition(name, MAPPING, SETTINGS, GENERATION)


def index_document(listing: Listing) -> dict[str, Any]:
    """The document of a listing. What must not be found leaves only its revision, so that nothing older comes back."""
    kept = {"name": listing.name, "revision": listing.revision, "visible": listing.details is not None}
    return kept if listing.details is None else {**kept, **_found_by(listing, listing.details)}


def millis(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def _found_by(listing: Listing, details: Details) -> dict[str, Any]:
    place, prices = details.place, listing.prices
    least = cheapest(prices)
    words = (place.venue, place.street_address, place.city, place.region, details.category, *details.tags)
    fields = {
        "organizer": details.organizer,
        "title": fold(details.title),
        "description": fold(details.description),
        "words": fold(" ".join(words)),
        "title_key": key_of(details.title),
        "title_starts": starts_of(details.title),
        "category": details.category,
        "category_starts": starts_of(details.category),
        "city": place.city,
        "city_starts": starts_of(place.city),
        "country_code": place.country_code,
        "location": None if place.latitude is None else {"lat": place.latitude, "lon": place.longitude},
        "start_time": millis(details.start_time),
        "month": details.month,
        "online": details.online,
        "available": listing.available,
        "prices": _by_currency(prices),
        "cheapest": None if least is None else min(thousandths(least), LARGEST_LONG),
        "free": None if least is None else int(not least),
        "shown": _shown(details, prices),
    }
    return {field: value for field, value in fields.items() if value not in (None, "", (), {})}


def _by_currency(prices: tuple[Money, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in prices:
        found.setdefault(each.currency, []).append(min(each.minor_units, LARGEST_LONG))
    return found


def _shown(details: Details, prices: tuple[Money, ...]) -> dict[str, Any]:
    place = details.place
    return {
        "title": details.title,
        "description": details.description,
        "end_time": millis(details.end_time),
        "time_zone": details.time_zone,
        "venue": place.venue,
        "city": place.city,
        "prices": [[each.minor_units, each.currency] for each in prices],
    }
