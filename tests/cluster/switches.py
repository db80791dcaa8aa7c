"""The switches of the chart, read from the schema of its values, and rows of settings in which each pair occurs."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from helm_chart import CHART

Name = tuple[str, ...]
Row = dict[Name, Any]
Pair = frozenset[tuple[Name, Any]]
# The environment is a file of values; what each component may say for itself stands under `defaults` too; the others
# change a word in an object.
LEFT_OUT = {"environment", "components", "optional", "priority", "pullPolicy"}


def switches() -> dict[Name, Sequence[Any]]:
    """Whatever is yes or no, or one of a few words, by its place in the values."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    return dict(_within(schema, (), schema.get("$defs", {})))


def _within(schema: Mapping[str, Any], place: Name, shared: Mapping[str, Any]) -> Iterator[tuple[Name, Sequence[Any]]]:
    if reference := schema.get("$ref"):
        schema = {**shared[reference.rpartition("/")[2]], **schema}
    if place and place[-1] in LEFT_OUT:
        return
    if schema.get("type") == "boolean":
        yield place, (True, False)
    elif "enum" in schema:
        yield place, tuple(schema["enum"])
    for name, each in schema.get("properties", {}).items():
        yield from _within(each, (*place, name), shared)


def pairs_of(row: Mapping[Name, Any]) -> set[Pair]:
    """Of settings in it."""
    return {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}


def all_pairs(choices: Mapping[Name, Sequence[Any]]) -> set[Pair]:
    """Each setting of each switch with each of each other."""
    return {
        frozenset([(one, a), (other, b)])
        for one, other in itertools.combinations(choices, 2)
        for a in choices[one]
        for b in choices[other]
    }


def rows(choices: Mapping[Name, Sequence[Any]]) -> list[Row]:
    """Few of them, in which all pairs occur: each begins with a pair that is missing, then takes what adds most."""
    missing, made = all_pairs(choices), []
    while missing:
        row: Row = dict(min(missing, key=_in_order))
        for name in choices:
            if name not in row:
                row[name] = max(choices[name], key=lambda value: _adds(row, name, value, missing))
        missing -= pairs_of(row)
        made.append(row)
    return made


def _adds(row: Row, name: Name, value: Any, missing: set[Pair]) -> int:
    return sum(frozenset([(name, value), each]) in missing for each in row.items())


def _in_order(pair: Pair) -> list[str]:
    return sorted(map(repr, pair))


def values_of(row: Mapping[Name, Any]) -> dict[str, Any]:
    """As helm takes them."""
    made: dict[str, Any] = {}
    for place, value in row.items():
        inside = made
        for name in place[:-1]:
            inside = inside.setdefault(name, {})
        inside[place[-1]] = value
    return made
