"""What a search found, without the client's own classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """One document. `sort` is what `search_after` takes to go on behind it; `version` where the search asked for it."""

    id: str
    source: Document
    score: float | None
    sort: tuple[Any, ...]
    highlight: Mapping[str, Sequence[str]]
    version: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `total` counts all that match; `total_is_exact` is False where Elasticsearch stopped counting.

    pit: the point in time to search again in, renewed by every answer; empty without one.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    aggregations: Mapping[str, Any]
    suggest: Mapping[str, Any]
    took_ms: int
    pit: str


def read_found(body: Mapping[str, Any]) -> Found:
    """The answer of `_search`."""
    # Without track_total_hits there is no total; a bare number comes with rest_total_hits_as_int.
    total = body["hits"].get("total")
    counted = isinstance(total, Mapping)
    value = total["value"] if counted else total
    return Found(
        hits=tuple(_hit(each) for each in body["hits"]["hits"]),
        total=len(body["hits"]["hits"]) if value is None else int(value),
        total_is_exact=value is not None and (not counted or total.get("relation", "eq") == "eq"),
        aggregations=body.get("aggregations", {}),
        suggest=body.get("suggest", {}),
        took_ms=int(body.get("took", 0)),
        pit=body.get("pit_id", ""),
    )


def _hit(body: Mapping[str, Any]) -> Hit:
    return Hit(
        id=body["_id"],
        source=body.get("_source", {}),
        score=body.get("_score"),
        sort=tuple(body.get("sort", ())),
        highlight=body.get("highlight", {}),
        version=body.get("_version"),
    )
