"""What a transaction changes: kinds of write, data only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """A new document; AlreadyExists when its `_id` or a unique value is taken."""

    collection: str
    document: Document

    @property
    def id(self) -> Any:
        """`_id` of the document."""
        return self.document["_id"]


@dataclass(frozen=True, slots=True)
class Replace:
    """The document in place of the one with the same `_id` and `version` == expected_version; else VersionConflict."""

    collection: str
    document: Document
    expected_version: int

    @property
    def id(self) -> Any:
        """`_id` of the document."""
        return self.document["_id"]


@dataclass(frozen=True, slots=True)
class Put:
    """The document, whatever was there before: for projections."""

    collection: str
    document: Document

    @property
    def id(self) -> Any:
        """`_id` of the document."""
        return self.document["_id"]


@dataclass(frozen=True, slots=True)
class Delete:
    """No document with that `_id` afterwards; none there is fine."""

    collection: str
    id: Any


@dataclass(frozen=True, slots=True)
class Check:
    """Nothing is changed; the document has `version` == expected_version all the same, else VersionConflict.

    As the transaction sees it: what others commit at the very same time goes unnoticed, as it does behind a read.
    """

    collection: str
    id: Any
    expected_version: int


@dataclass(frozen=True, slots=True)
class Update:
    """The document that meets `where`, if there is one, with MongoDB's update operators applied.

    upsert: with none that does, one is made. For what no version guards.
    """

    collection: str
    where: Mapping[str, Any]
    change: Document
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """No document that meets `where`, where there was at most one."""

    collection: str
    where: Mapping[str, Any]


Guarded = Replace | Check
Write = Insert | Guarded | Put | Delete
Operation = Write | Update | Remove
