"""What is due first is found by a look at the first entries of an index, instead of at all that are due.

SecantusDB reads every document of a range before it sorts them and gives back the few that were asked for: each page of
a backlog cost as much as all of it. Where an index has the order that is asked for, no more of its entries are read
than documents are wanted; of an index of more fields, those that have the values that are asked for in the others.

By name, the order in which most lists are told and backlogs worked off, its own index of names is read the same way,
upwards or downwards, between bounds where there are any. Names are texts: others it sorts in its own way.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from secantus import sortkey, storage

_BOUNDS = {"$gt", "$gte", "$lt", "$lte"}
_MORE = 8  # times as many entries are read where some were of documents that did not match after all
_TEXT = storage._id_key("")[:1]
"""What the keys of all names begin with that are texts, and of no others."""
_AFTER_TEXTS = bytes([_TEXT[0] + 1])


@dataclass
class First:
    """So many entries of an index of a collection, and what those end with that count. ties: and what is level with the
    last of them. cut: there would be more.
    """

    index: tuple[str, str, str]
    most: int
    ends: bytes
    ties: bool
    cut: bool = False


@dataclass
class Names:
    """So many documents of a collection by their names, from the lower to below the higher key or the other way round.
    cut: there would be more.
    """

    collection: tuple[str, str]
    most: int
    lower: bytes
    higher: bytes
    downwards: bool
    cut: bool = False


class Looking(threading.local):
    """What this thread looks for; None: all."""

    first: First | Names | None = None


def look_at_first_quickly(kind: Any) -> None:
    """Teach a Storage class to; AttributeError where it has not the parts that this relies on."""
    looking, find, scan_all = Looking(), kind.find_matching, kind._scan_docs_natural

    def find_matching(self: Any, db: str, coll: str, where: Any = None, **options: Any) -> Any:
        with self._lock:  # what is found is decoded without it
            first = _first(self, db, coll, where or {}, options)
        while first is not None:
            looking.first = first
            try:
                found = find(self, db, coll, where, **options)
            finally:
                looking.first = None
            if not first.cut or len(found) == options["limit"]:
                return found
            first = replace(first, most=_MORE * first.most, cut=False)
        return find(self, db, coll, where, **options)

    def scan_docs_natural(self: Any, db: str, coll: str) -> Any:
        first = looking.first
        named = _named(self, first) if isinstance(first, Names) and first.collection == (db, coll) else None
        return scan_all(self, db, coll) if named is None else named

    def taught(scan: Any, ends_bound: bytes) -> Any:
        def scanned(self: Any, db: str, coll: str, name: str, *bounds: Any, prefix: Any = None) -> Any:
            first = looking.first
            if not isinstance(first, First) or first.index != (db, coll, name) or prefix is not None:
                return scan(self, db, coll, name, *bounds, **({} if prefix is None else {"prefix": prefix}))
            return _entries(self, first, ends_bound, *bounds)

        return scanned

    kind._range_scan_index = taught(kind._range_scan_index, b"")
    kind._range_scan_index_leading = taught(kind._range_scan_index_leading, storage._escape_kb(sortkey.COMPOUND_SEP))
    kind.find_matching, kind._scan_docs_natural = find_matching, scan_docs_natural


def _first(self: Any, db: str, coll: str, where: Mapping[str, Any], options: Mapping[str, Any]) -> First | Names | None:
    """What to look for; None where an index does not tell both what matches and in which order."""
    limit, sort = options.get("limit", 0), options.get("sort")
    if limit <= 0 or not sort or any(options.get(each) for each in ("hint", "collation", "min_bound", "max_bound")):
        return None
    if list(sort) == ["_id"]:
        return _names(self, (db, coll), where, options.get("skip", 0) + limit, downwards=sort["_id"] == -1)
    (field, direction), *others = sort.items()
    bounds = where.get(field)
    if direction != 1 or others not in ([], [("_id", 1)]) or not isinstance(bounds, dict):
        return None
    picked = self._find_leading_field_index(db, coll, field, dict(where))
    if not bounds or not _BOUNDS.issuperset(bounds) or picked is None or picked[1] != 1:
        return None
    name, keys, how = next(each for each in self._iter_indexes(db, coll) if each[0] == picked[0])
    said = how.get("partialFilterExpression") or {}
    rest = {other: value for other, value in where.items() if other != field and not _is_said(said, other, value)}
    if how.get("multikey") or (others and len(keys) > 1) or (rest and list(keys) != [field, *rest]):
        return None
    ends = b""
    for other, value in rest.items():
        if type(value) is not str:
            return None
        key = sortkey.encode_value_directed(value, int(keys[other]))
        ends += storage._escape_kb(sortkey.COMPOUND_SEP + key)
    return First((db, coll, name), options.get("skip", 0) + limit, ends, bool(others))


def _is_said(of: Mapping[str, Any], field: str, value: Any) -> bool:
    """Whether an index holds only documents that have it."""
    return type(value) is str and type(of.get(field)) is str and of[field] == value


def _names(
    self: Any, collection: tuple[str, str], where: Mapping[str, Any], most: int, *, downwards: bool
) -> Names | None:
    """What to look for; None where it is more than the first of all, or the first between bounds, and where these are
    no texts.
    """
    parts = where.get("$and", [])
    if not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts):
        return None
    bounds = [each["_id"] for each in (where, *parts) if "_id" in each]
    if (where and not bounds) or not all(map(_are_texts, bounds)):
        return None
    options = self._coll_options(*collection)
    if options is None or not options.keys() <= {"uuid"}:
        return None
    lower, higher = (_TEXT, _AFTER_TEXTS) if bounds else (b"", b"\xff")
    for bound, name in [of for each in bounds for of in each.items()]:
        key = storage._id_key(name) + (b"" if bound in ("$gte", "$lt") else b"\0")  # the one after it
        lower, higher = (max(lower, key), higher) if bound.startswith("$gt") else (lower, min(higher, key))
    return Names(collection, most, lower, higher, downwards)


def _are_texts(bounds: Any) -> bool:
    return (
        isinstance(bounds, dict) and _BOUNDS.issuperset(bounds) and all(type(each) is str for each in bounds.values())
    )


def _named(self: Any, first: Names) -> list[tuple[int, bytes, bytes]] | None:
    """As `_scan_docs_natural` tells of documents; None where a name is no text."""
    rows, cursor = list[tuple[int, bytes, bytes]](), self._cursor(storage._doc_table_for(*first.collection))
    for key, number in _numbers(self, first):
        if not key.startswith(_TEXT):
            return None
        if len(rows) == first.most:
            first.cut = True
            break
        cursor.set_key(*first.collection, number)
        if cursor.search() == 0:
            rows.append((number, *storage._unframe_doc_value(bytes(cursor.get_value()))))
    return rows


def _numbers(self: Any, first: Names) -> Iterator[tuple[bytes, int]]:
    """Keys of names and where their documents are, in order."""
    cursor = self._cursor(storage._NAT_SEQ_TABLE)
    cursor.reset()
    cursor.set_key(*first.collection, first.higher if first.downwards else first.lower)
    near, step = cursor.search_near(), cursor.prev if first.downwards else cursor.next
    if near == storage.wt.WT_NOTFOUND:
        return
    beyond = near >= 0 if first.downwards else near < 0
    going = not beyond or step() == 0
    while going:
        *collection, key = cursor.get_key()
        key = bytes(key)
        if tuple(collection) != first.collection or not first.lower <= key < first.higher:
            return
        yield key, int(cursor.get_value())
        going = step() == 0


def _entries(
    self: Any, first: First, after: bytes, lower: Any, lower_inclusive: Any, upper: Any, upper_inclusive: Any
) -> list[int]:
    """The first within bounds. after: what follows the bounded field in an entry that has more fields."""
    lowest = b"" if lower is None else storage._escape_kb(lower)
    highest = None if upper is None else storage._escape_kb(upper)
    cursor, found, last = self._cursor(storage._IDX_ENTRIES_TABLE), list[int](), b""
    cursor.set_key(*first.index, lowest)
    near = cursor.search_near()
    if near == storage.wt.WT_NOTFOUND or (near < 0 and cursor.next() != 0):
        return found
    while True:
        *index, packed = cursor.get_key()
        if tuple(index) != first.index:
            return found
        key, number = storage._unpack_entry(bytes(packed))
        is_highest = highest is not None and _is(key, highest, after)
        if highest is not None and (key > highest or is_highest) and not (is_highest and upper_inclusive):
            return found
        is_lowest = lower is not None and _is(key, lowest, after)
        if number is not None and (lower_inclusive or not is_lowest) and key.endswith(first.ends):
            if len(found) >= first.most and not (first.ties and key == last):
                first.cut = True
                return found
            found.append(number)
            last = key
        if cursor.next() != 0:
            return found


def _is(key: bytes, bound: bytes, after: bytes) -> bool:
    return key.startswith(bound + after) if after else key == bound
