"""What is due first is found by a look at the first entries of an index, instead of at all that are due.

SecantusDB reads every document of a range before it sorts them and gives back the few that were asked for: each page of
a backlog cost as much as all of it. Where an index has the order that is asked for, no more of its entries are read
than documents are wanted; of an index of two fields, those that have the value that is asked for in the second.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secantus import sortkey, storage

_BOUNDS = {"$gt", "$gte", "$lt", "$lte"}
_MORE = 8  # times as many entries are read where some were of documents that did not match after all


@dataclass
class First:
    """So many entries of an index of a collection, and what those end with that count. cut: there would be more."""

    index: tuple[str, str, str]
    most: int
    ends: bytes
    cut: bool = False


class Looking(threading.local):
    """What this thread looks for; None: all."""

    first: First | None = None


def look_at_first_quickly(kind: Any) -> None:
    """Teach a Storage class to; AttributeError where it has not the parts that this relies on."""
    looking, find = Looking(), kind.find_matching

    def find_matching(self: Any, db: str, coll: str, where: Any = None, **options: Any) -> Any:
        with self._lock:
            first = _first(self, db, coll, where or {}, options)
            while first is not None:
                looking.first = first
                try:
                    found = find(self, db, coll, where, **options)
                finally:
                    looking.first = None
                if not first.cut or len(found) == options["limit"]:
                    return found
                first = First(first.index, _MORE * first.most, first.ends)
        return find(self, db, coll, where, **options)

    def taught(scan: Any, ends_bound: bytes) -> Any:
        def scanned(self: Any, db: str, coll: str, name: str, *bounds: Any, prefix: Any = None) -> Any:
            first = looking.first
            if first is None or first.index != (db, coll, name) or prefix is not None:
                return scan(self, db, coll, name, *bounds, **({} if prefix is None else {"prefix": prefix}))
            return _entries(self, first, ends_bound, *bounds)

        return scanned

    kind._range_scan_index = taught(kind._range_scan_index, b"")
    kind._range_scan_index_leading = taught(kind._range_scan_index_leading, storage._escape_kb(sortkey.COMPOUND_SEP))
    kind.find_matching = find_matching


def _first(self: Any, db: str, coll: str, where: Mapping[str, Any], options: Mapping[str, Any]) -> First | None:
    """What to look for; None where an index does not tell both what matches and in which order."""
    limit, sort = options.get("limit", 0), options.get("sort")
    if limit <= 0 or not sort or any(options.get(each) for each in ("hint", "collation", "min_bound", "max_bound")):
        return None
    (field, direction), *others = sort.items()
    rest = {other: value for other, value in where.items() if other != field}
    bounds = where.get(field)
    if others or direction != 1 or len(rest) > 1 or not isinstance(bounds, dict) or not _BOUNDS.issuperset(bounds):
        return None
    picked = self._find_leading_field_index(db, coll, field, {field: bounds})
    if not bounds or picked is None or picked[1] != 1 or self.index_is_multikey(db, coll, picked[0]):
        return None
    ends = b""
    for other, value in rest.items():
        keys = next(dict(keys) for name, keys, *_ in self._all_indexes(db, coll) if name == picked[0])
        if list(keys) != [field, other] or type(value) is not str:
            return None
        key = sortkey.encode_value_directed(value, int(keys[other]))
        ends = storage._escape_kb(sortkey.COMPOUND_SEP + key)
    return First((db, coll, picked[0]), options.get("skip", 0) + limit, ends)


def _entries(
    self: Any, first: First, after: bytes, lower: Any, lower_inclusive: Any, upper: Any, upper_inclusive: Any
) -> list[int]:
    """The first within bounds. after: what follows the bounded field in an entry that has more fields."""
    lowest = b"" if lower is None else storage._escape_kb(lower)
    highest = None if upper is None else storage._escape_kb(upper)
    cursor, found = self._cursor(storage._IDX_ENTRIES_TABLE), list[int]()
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
            if len(found) == first.most:
                first.cut = True
                return found
            found.append(number)
        if cursor.next() != 0:
            return found


def _is(key: bytes, bound: bytes, after: bytes) -> bool:
    return key.startswith(bound + after) if after else key == bound
