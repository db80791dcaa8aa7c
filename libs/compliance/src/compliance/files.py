"""Reads the data files once and refuses to start on any figure that is malformed, out of order or without a source."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from compliance.rates import ONE, Period, TaxClass, TaxRate

FILES = ("europe", "canada", "world")
Tax = Mapping[TaxClass, Sequence[Period]]


@cache
def places() -> Mapping[str, tuple[Tax, ...]]:
    """Place → its taxes → class → periods by date. ValueError names the first figure that is wrong."""
    found: dict[str, tuple[Tax, ...]] = {}
    for name in FILES:
        text = files("compliance").joinpath(f"data/{name}.json").read_text("utf-8")
        for place, entry in json.loads(text)["places"].items():
            if place in found:
                raise ValueError(f"{name}.json: {place} stands in two files")
            found[place] = read_place(place, entry)
    return MappingProxyType(found)


def read_place(place: str, entry: Mapping[str, Any]) -> tuple[Tax, ...]:
    """The taxes of one place; a class that one of its taxes leaves out would be a guess at zero, so it is an error."""
    taxes = tuple(_tax(place, tax) for tax in entry["taxes"])
    if not taxes or any(tax.keys() != taxes[0].keys() for tax in taxes):
        raise ValueError(f"{place}: every tax must speak of the same classes")
    return taxes


def _tax(place: str, tax: Mapping[str, Any]) -> Tax:
    return {
        TaxClass(name): _periods(f"{place} {tax['name']} {name}", [_period(place, name, tax, row) for row in rows])
        for name, rows in tax["classes"].items()
    }


def _period(place: str, tax_class: str, tax: Mapping[str, Any], row: Mapping[str, str]) -> Period:
    units = Decimal(row["percent"]) * (ONE // 100)
    if units != int(units) or not 0 <= units <= ONE:
        raise ValueError(f"{place} {tax_class}: {row['percent']} percent")
    if not row["source"] or bool(units) == bool(row.get("reason")):
        raise ValueError(f"{place} {tax_class} {row['from']}: a source always, a reason just where nothing is charged")
    rate = TaxRate(
        place=place,
        tax_class=TaxClass(tax_class),
        name=tax["name"],
        local_name=tax["local_name"],
        per_100_000=int(units),
        prices_include_tax=tax["prices_include_tax"],
        source=row["source"],
        reason=row.get("reason", ""),
    )
    until = row.get("until")
    return Period(rate, date.fromisoformat(row["from"]), date.fromisoformat(until) if until else None)


def _periods(where: str, given: Sequence[Period]) -> tuple[Period, ...]:
    """Close each period on the day before the next one begins."""
    if not given:
        raise ValueError(f"{where}: no period")
    closed = [
        Period(period.rate, period.since, period.until or following.since - timedelta(days=1))
        for period, following in pairwise(given)
    ]
    for period, following in pairwise([*closed, given[-1]]):
        if period.until is not None and not period.since <= period.until < following.since:
            raise ValueError(f"{where}: {following.since.isoformat()} overlaps or is out of order")
    last = given[-1]
    if last.until is not None and last.until < last.since:
        raise ValueError(f"{where}: ends before it begins")
    return (*closed, last)
