"""The configuration of a gateway in a container: the template, and parts that are laid over it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from gateway_config.render import PLACEHOLDER, PlaceholderMismatch

# Ten times as fast as the one in Python, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def composed(template: str, parts: Iterable[str], values: Mapping[str, str]) -> str:
    """One JSON document: template and parts with their placeholders filled, each part laid over what is there.

    Mappings are merged; of lists, what has the same `name` is, and the rest by position, or added. Raises
    `PlaceholderMismatch` for a placeholder without a value; `values` may hold others, for they may be an environment.
    """
    document: Any = {}
    for text in (template, *parts):
        missing = sorted(set(PLACEHOLDER.findall(text)) - values.keys())
        if missing:
            raise PlaceholderMismatch(f"placeholders without a value: {missing}")
        filled = PLACEHOLDER.sub(lambda match: values[match[1]], text)
        document = _over(document, yaml.load(filled, Loader=_LOADER))  # noqa: S506  # a safe one
    return json.dumps(document, indent=2)


def with_upstream_tls(configuration: str, socket: str) -> str:
    """The configuration in which services are spoken to as `socket` (upstream-tls.yaml) says."""
    document = yaml.load(configuration, Loader=_LOADER)  # noqa: S506  # a safe one
    for cluster in document["static_resources"]["clusters"]:
        if cluster["type"] == "STRICT_DNS":
            cluster["transport_socket"] = yaml.load(socket, Loader=_LOADER)  # noqa: S506  # a safe one
    # Who reads certificates from files has a name.
    document["node"] = {"id": "gateway", "cluster": "usher"}
    return json.dumps(document, indent=2)


def _over(base: Any, part: Any) -> Any:
    if isinstance(base, dict) and isinstance(part, dict):
        return {**base, **{key: _over(base.get(key), value) for key, value in part.items()}}
    if isinstance(base, list) and isinstance(part, list):
        return _listed_over(base, part)
    return part


def _listed_over(base: list[Any], part: list[Any]) -> list[Any]:
    merged = list(base)
    for position, each in enumerate(part):
        name = each.get("name") if isinstance(each, dict) else None
        if name is not None:
            place = next((index for index, old in enumerate(merged) if old.get("name") == name), len(merged))
        else:
            place = position
        merged[place : place + 1] = [_over(merged[place], each) if place < len(merged) else each]
    return merged
