"""Many writes in one request, each with its own outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from elastic_store.results import Document

CONFLICT, MISSING = 409, 404
BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Put:
    """Write a document. With `version` (the aggregate's) an older or equal one in the index wins over it."""

    id: str
    document: Document
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a document; with `version` only if the one in the index is older."""

    id: str
    version: int | None = None


class Outcome(Enum):
    """What became of one write."""

    WRITTEN = "written"
    OUTDATED = "outdated"  # the index has this version or a later one: nothing to do
    MISSING = "missing"  # deleted before, or never there: nothing to do
    BUSY = "busy"  # repeat it
    REFUSED = "refused"  # the document does not fit the mapping; repeating does not help


@dataclass(frozen=True, slots=True)
class BulkResult:
    """Outcome of one write; `reason` is Elasticsearch's own where it was refused or busy."""

    id: str
    outcome: Outcome
    reason: str = ""


def operations(writes: Sequence[Put | Remove]) -> Iterator[Mapping[str, Any]]:
    """The lines of a `_bulk` body."""
    for write in writes:
        action: dict[str, Any] = {"_id": write.id}
        if write.version is not None:
            action |= {"version": write.version, "version_type": "external"}
        if isinstance(write, Put):
            yield {"index": action}
            yield write.document
        else:
            yield {"delete": action}


def read_result(item: Mapping[str, Any]) -> BulkResult:
    """One entry of `items` in the answer."""
    (answer,) = item.values()
    status, error = int(answer["status"]), answer.get("error")
    if status == CONFLICT:
        return BulkResult(answer["_id"], Outcome.OUTDATED)
    if error is None:
        return BulkResult(answer["_id"], Outcome.MISSING if status == MISSING else Outcome.WRITTEN)
    reason = f"{error.get('type')}: {error.get('reason')}" if isinstance(error, Mapping) else str(error)
    return BulkResult(answer["_id"], Outcome.BUSY if status in BUSY else Outcome.REFUSED, reason)
