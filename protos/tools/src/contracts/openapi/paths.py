"""Reads google.api.http path templates: where variables stand, and what their segments are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import FieldDescriptor

from contracts.image import Image, resource_patterns, validation

_VARIABLE = re.compile(r"\{([a-z0-9_.]+)(?:=([^}]+))?\}")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a path that callers fill in: `name` in the OpenAPI path, the request field it belongs to."""

    name: str
    field: str
    position: int


def verb_and_template(rule: HttpRule) -> tuple[str, str]:
    """The HTTP method in lower case and the path template. Custom methods are not used by the contracts."""
    kind = rule.WhichOneof("pattern")
    if kind is None or kind == "custom":
        raise ValueError(f"unsupported http rule: {rule}")
    return kind, getattr(rule, kind)


def bound_fields(template: str) -> list[str]:
    """Request fields, as dotted paths, whose values stand in the path."""
    return [match[1] for match in _VARIABLE.finditer(template)]


def expand(template: str, names: Mapping[str, str]) -> tuple[str, list[Segment]]:
    """The path as OpenAPI writes it, one variable for each `*`, and these variables in order.

    `names` maps patterns with `*` to the resource's own pattern (`events/*` → `events/{event}`).
    """
    segments: list[Segment] = []

    def spell(match: re.Match[str]) -> str:
        field, pattern = match[1], match[2] or "*"
        spelled = names.get(pattern) or _guess(pattern, field)
        for position, part in enumerate(spelled.split("/")):
            if part.startswith("{"):
                segments.append(Segment(part[1:-1], field, position))
        return spelled

    return _VARIABLE.sub(spell, template), segments


def resource_names(image: Image) -> Mapping[str, str]:
    """Resource patterns by the form that path templates use, with `*` for each variable."""
    patterns = [pattern for message in image.messages() for pattern in resource_patterns(message)]
    return {re.sub(r"\{[^}]+\}", "*", pattern): pattern for pattern in patterns}


def segment_pattern(segment: Segment, field: FieldDescriptor) -> str | None:
    """The rule for one segment, when the field's own pattern can be taken apart at its slashes."""
    pattern = validation(field).string.pattern
    parts = pattern.removeprefix("^").removesuffix("$").split("/")
    if not pattern or segment.position >= len(parts) or re.search(r"[()|]", pattern):
        return None
    return f"^{parts[segment.position]}$"


def _guess(pattern: str, field: str) -> str:
    """Names after the collections: `events/*/bookings/*` becomes `events/{event}/bookings/{booking}`."""
    parts = pattern.split("/")
    for position, part in enumerate(parts):
        if part in {"*", "**"}:
            collection = parts[position - 1] if position else field.replace(".", "_")
            snake = re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", collection)
            parts[position] = "{" + snake.removesuffix("s") + "}"
    return "/".join(parts)
