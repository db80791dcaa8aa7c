"""Pages without offsets: the filter that starts a page right after the last document of the one before."""

from collections.abc import Mapping, Sequence
from typing import Any

Order = Sequence[tuple[str, int]]


def after_cursor(order: Order, cursor: Sequence[Any]) -> dict[str, Any]:
    """Documents after `cursor` in `order`, whose last field is unique. None sorts below every value (BSON order)."""
    if len(cursor) != len(order):
        raise ValueError(f"A cursor over {len(order)} fields has {len(cursor)} values.")
    choices: list[dict[str, Any]] = []
    for place, ((field, direction), value) in enumerate(zip(order, cursor, strict=True)):
        beyond = _beyond(field, direction, value)
        if beyond is not None:
            equal = {name: same for (name, _), same in zip(order[:place], cursor[:place], strict=True)}
            choices.append({**equal, **beyond})
    return {"$or": choices}


def cursor_of(order: Order, document: Mapping[str, Any]) -> tuple[Any, ...]:
    """The cursor that stands on a document."""
    return tuple(_value(document, field) for field, _ in order)


def _beyond(field: str, direction: int, value: Any) -> dict[str, Any] | None:
    if direction > 0:
        return {field: {"$ne": None} if value is None else {"$gt": value}}
    if value is None:
        return None
    return {"$or": [{field: {"$lt": value}}, {field: None}]}


def _value(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document
