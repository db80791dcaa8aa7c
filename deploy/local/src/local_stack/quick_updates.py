"""Replacements of single documents in the embedded database, as its own code makes them but with less work for each.

A booking's commit replaces an inventory, a letter's its state: `{_id: …, version: …}` with a whole document.
"""

from collections.abc import Mapping
from typing import Any


def replace_quickly(storage: Any) -> None:
    """Teach SecantusDB's storage module to; AttributeError where it has not the parts that this relies on."""
    apply, kind = storage.apply_update, storage.Storage
    candidates = kind._candidates_iter  # noqa: SLF001  # see embedded_database.remember_indexes

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

    storage.apply_update, kind._candidates_iter = applied, possible  # noqa: SLF001  # as above


def _names_one(where: Any) -> bool:
    """Whether the name of a document comes first, and only fields after it."""
    if not where or len(where) < 2 or next(iter(where)) != "_id" or not isinstance(where["_id"], str):
        return False
    return not any(field.startswith("$") for field in where)
