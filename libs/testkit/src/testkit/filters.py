"""The part of MongoDB's query language that the in-memory store understands; anything else is a loud ValueError."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(document: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether it matches.

    Equality, $eq $ne $in $nin $gt $gte $lt $lte $exists $elemMatch on dotted paths and array elements; $and $or $nor.
    """
    return all(_clause(document, key, wanted) for key, wanted in where.items())


def value_at(document: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for part in path.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def arranged(documents: Sequence[Mapping[str, Any]], sort: Sequence[tuple[str, int]]) -> list[Mapping[str, Any]]:
    """Sorted by fields, 1 up and -1 down, None below everything."""
    found = list(documents)
    for field, direction in reversed(sort):
        found.sort(key=lambda document: _rank(value_at(document, field)), reverse=direction < 0)
    return found


def _clause(document: Mapping[str, Any], key: str, wanted: Any) -> bool:
    if key == "$and":
        return all(matches(document, each) for each in wanted)
    if key in ("$or", "$nor"):
        return any(matches(document, each) for each in wanted) == (key == "$or")
    if key.startswith("$"):
        raise ValueError(f"The in-memory store does not know {key}.")
    values = _values(document, key.split("."))
    if isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted):
        return all(_compare(values, name, operand) for name, operand in wanted.items())
    return _compare(values, "$eq", wanted)


def _compare(values: Sequence[Any], name: str, operand: Any) -> bool:
    if name == "$eq":
        return operand in values or (operand is None and not values)
    if name == "$in":
        return any(_compare(values, "$eq", each) for each in operand)
    if name in ("$ne", "$nin"):
        return not _compare(values, "$eq" if name == "$ne" else "$in", operand)
    if name == "$exists":
        return bool(values) is bool(operand)
    if name == "$elemMatch":
        return any(isinstance(value, Mapping) and matches(value, operand) for value in values)
    if name in _COMPARISONS:
        alike = [value for value in values if _comparable(value, operand)]
        return any(bool(_COMPARISONS[name](value, operand)) for value in alike)
    raise ValueError(f"The in-memory store does not know {name}.")


def _comparable(value: Any, operand: Any) -> bool:
    numbers = (int, float)
    if isinstance(value, numbers) and isinstance(operand, numbers):
        return True
    return value is not None and type(value) is type(operand) and not isinstance(value, Mapping)


def _values(document: Any, path: Sequence[str]) -> list[Any]:
    """What a path leads to, through arrays; an array counts as itself and as each of its elements."""
    if not path:
        return [document, *document] if isinstance(document, list) else [document]
    if isinstance(document, list):
        return [value for element in document for value in _values(element, path)]
    if isinstance(document, Mapping) and path[0] in document:
        return _values(document[path[0]], path[1:])
    return []


def _rank(value: Any) -> tuple[int, Any]:
    return (0, 0) if value is None else (1, value)
