"""Hypothesis strategies for any value of a dataclass, every field included, so that a forgetful mapper is seen."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain_kit.money import Money

TEXT = st.text(max_size=12)
MONEY = st.builds(Money, st.integers(0, 2**40), st.sampled_from(["EUR", "JPY", "BHD"]))
# In whole milliseconds, as BSON keeps them.
TIME = st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2090-01-01")).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
)
_ID = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(0, 2**31 - 1),
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
    float: st.floats(-90, 90),
    type(None): st.none(),
    datetime: TIME,
    timedelta: st.integers(1, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
    Money: MONEY,
}


def any_of(kind: Any, known: Mapping[Any, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Any]:
    """Any value of a type: dataclasses, enums, tuples, frozen sets, mappings, unions of them.

    known: strategies for types that not every combination of fields makes, and for others than usual.
    """
    known = known or {}
    if kind in known:
        return known[kind]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        if any(kind in get_args(hint) for hint in hints.values()):  # it may hold one of its kind, which holds none
            known = {**known, kind: any_of(kind, {**known, kind: st.nothing()})}
        return st.builds(kind, **{each.name: any_of(hints[each.name], known) for each in fields(kind)})  # type: ignore[arg-type]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is tuple:
        return st.lists(any_of(parts[0], known), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(any_of(parts[0], known), max_size=2)
    if origin is Mapping:
        key = _ID if parts[0] is str else any_of(parts[0], known)
        return st.dictionaries(key, any_of(parts[1], known), max_size=2)
    if origin in (Union, UnionType):
        return st.one_of(*(any_of(part, known) for part in parts))
    return st.sampled_from(kind)
