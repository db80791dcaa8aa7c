"""Replacements of single documents in the embedded database, as its own code makes them but with less work for each.

A booking's commit replaces an inventory and, from the confirmation on, the booking, a letter's the letter:
`{_id: …, version: …}` with a whole document, in a transaction. In collections without options that is written at once,
and only in indexes of what has changed in it entries are taken away and written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import bson

Index = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""Its name, its keys, its options."""
COMPARABLE = frozenset({type(None), bool, int, str, datetime})
"""Of a value of one of these, `==` with another of the same type tells whether it is stored alike."""


def replace_quickly(storage: Any) -> None:
    """Teach SecantusDB's storage module to; AttributeError where it has not the parts that this relies on."""
    apply, kind = storage.apply_update, storage.Storage
    candidates, update_one = kind._candidates_iter, kind._update_matching_single_txn

    def applied(document: dict[str, Any], update: Any, **options: Any) -> dict[str, Any]:
        """A replacement belongs to its statement alone, so that nothing of it needs to be copied to be stored."""
        name = update.get("_id") if isinstance(update, Mapping) and not options.get("array_filters") else None
        if not isinstance(name, str) or name != document.get("_id") or any(field.startswith("$") for field in update):
            return dict(apply(document, update, **options))
        return {"_id": name, **update}

    def possible(self: Any, db: str, coll: str, where: Any) -> Any:
        """The one document with that `_id`; whether the rest of the filter holds too is asked by the caller anyway, in
        its order, so that nothing else of it was asked of other documents.
        """
        return candidates(self, db, coll, {"_id": where["_id"]} if _names_one(where) else where)

    def updated(self: Any, db: str, coll: str, where: Any, update: Any, **options: Any) -> dict[str, Any]:
        """Written at once where nothing but the document changes; whatever differs from that goes the long way."""
        said = (value for option, value in options.items() if option != "let")  # which only expressions ask for
        if not any(said) and _is_guarded(where) and _replaces(where, update):
            with self._coll_lock(db, coll):
                indexes = _indexes(self, db, coll)
                if indexes is not None and _replaced(storage, self, (db, coll), where, update, indexes):
                    return {"matched": 1, "modified": 1, "upserted_id": None, "did_upsert": False}
        return dict(update_one(self, db, coll, where, update, **options))

    storage.apply_update, kind._candidates_iter = applied, possible
    kind._update_matching_single_txn = updated


def _is_guarded(where: Any) -> bool:
    """Whether it names one document and says of other fields what they are now, as a text or a number."""
    return _names_one(where) and all(
        field.isidentifier() and type(is_now) in (str, int) for field, is_now in where.items()
    )


def _replaces(where: Any, update: Any) -> bool:
    """Whether it is a document of that name."""
    if not isinstance(update, Mapping) or update.get("_id", where["_id"]) != where["_id"]:
        return False
    return not any(field.startswith("$") for field in update)


def _indexes(storing: Any, db: str, coll: str) -> Sequence[Index] | None:
    """Those of a collection; None where this is no transaction, or a collection with options."""
    if storing.enable_oplog or getattr(storing._tls, "user_txn", None) is None:
        return None
    options = storing._coll_options(db, coll)
    if options is None or not options.keys() <= {"uuid"}:
        return None
    return list(storing._iter_indexes(db, coll))


def _moved(indexes: Sequence[Index], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Index] | None:
    """Those whose entries may differ; None where more than entries depends on one of them, or that cannot be told."""
    moved = []
    for index in indexes:
        _, keys, how = index
        fields = {path.partition(".")[0] for path in (*keys, *(how.get("partialFilterExpression") or ()))}
        if not all(map(str.isidentifier, fields)):
            return None
        if all(_stays(field, before, after) for field in fields - {"_id"}):
            continue
        if how.get("unique") or how.get("prepareUnique") or not all(type(way) is int for way in keys.values()):
            return None
        moved.append(index)
    return moved


def _stays(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether it is as it was."""
    if field not in before or field not in after:
        return field not in before and field not in after
    was, becomes = before[field], after[field]
    if type(was) is type(becomes) and type(was) in COMPARABLE:
        return bool(was == becomes)
    return bool(bson.encode({field: was}) == bson.encode({field: becomes}))


def _replaced(
    storage: Any, storing: Any, collection: tuple[str, str], where: Any, update: Any, indexes: Sequence[Index]
) -> bool:
    """Whether it is; False, and nothing is written, where the guard does not hold, where nothing would change, and
    where an index that depends on what changes is of a kind that asks for more.
    """
    recordid = storing._doc_recordid(*collection, storage._id_key(where["_id"]))
    if recordid is None:
        return False
    cursor = storing._cursor(storage._doc_table_for(*collection))
    cursor.set_key(*collection, recordid)
    if cursor.search() != 0:
        return False
    key, before = storage._unframe_doc_value(bytes(cursor.get_value()))
    document = bson.decode(before)
    if any(
        type(document.get(field)) is not type(is_now) or document[field] != is_now for field, is_now in where.items()
    ):
        return False
    becomes = {"_id": where["_id"], **update}
    after = bson.encode(becomes)
    if after == before or len(after) > storage.MAX_BSON_OBJECT_SIZE:
        return False
    moved = _moved(indexes, document, becomes)
    if moved is None:
        return False
    storing._note_write(*collection)
    entries = [(name, keys, bool(how.get("sparse")), False) for name, keys, how in moved]
    filters = {
        name: dict(how["partialFilterExpression"]) for name, _, how in moved if how.get("partialFilterExpression")
    }
    if entries:
        storing._delete_index_entries(*collection, document, entries, filters, recordid=recordid)
    cursor.set_key(*collection, recordid)
    cursor.set_value(storage._frame_doc_value(key, after))
    cursor.insert()  # over what is there
    if entries:
        storing._write_index_entries(*collection, becomes, entries, filters, recordid=recordid)
        storing._maybe_mark_multikey(
            *collection, becomes, entries, {name for name, _, how in moved if how.get("multikey")}
        )
    return True


def _names_one(where: Any) -> bool:
    """Whether the name of a document comes first, and only fields after it."""
    if not where or len(where) < 2 or next(iter(where)) != "_id" or not isinstance(where["_id"], str):
        return False
    return not any(field.startswith("$") for field in where)
