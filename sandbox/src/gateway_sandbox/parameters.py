"""Form-encoded parameters with nested keys, read as Stripe reads them."""

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from gateway_sandbox.errors import invalid

Parameters = dict[str, Any]
_PART = re.compile(r"\[([^\]]*)\]")
MAX_DEPTH = 8


def parse(text: str) -> Parameters:
    """`a[b]=1&c[]=2&c[]=3&d[0]=4` → {"a": {"b": "1"}, "c": {"0": "2", "1": "3"}, "d": {"0": "4"}}."""
    found: Parameters = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name = key.split("[", 1)[0]
        path = [name, *_PART.findall(key)]
        if name and len(path) <= MAX_DEPTH:
            _put(found, path, value, key)
    return found


def _put(found: Parameters, path: list[str], value: str, key: str) -> None:
    for part in path[:-1]:
        found = found.setdefault(part, {})
        if not isinstance(found, dict):
            raise invalid(f"Invalid parameter: {key}", param=key)
    last = path[-1] or str(len(found))
    found[last] = value


def only(parameters: Mapping[str, Any], known: Collection[str]) -> None:
    """400 parameter_unknown for what the endpoint does not take; `expand` is taken everywhere."""
    for name in parameters:
        if name not in known and name != "expand":
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def text(parameters: Mapping[str, Any], name: str) -> str | None:
    """A string; None when absent or empty. 400 where the key holds something nested."""
    value = parameters.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", param=name)
    return value or None


def required(parameters: Mapping[str, Any], name: str) -> str:
    """400 parameter_missing."""
    value = text(parameters, name)
    if value is None:
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return value


def integer(parameters: Mapping[str, Any], name: str) -> int | None:
    """A whole number of at least 1; None when absent. 400 parameter_invalid_integer."""
    value = text(parameters, name)
    if value is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,15}", value):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    if int(value) < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid(message, param=name, code="parameter_invalid_integer")
    return int(value)


BOUNDS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def span(parameters: Mapping[str, Any], name: str) -> Sequence[tuple[Callable[[int, int], bool], int]]:
    """`created[gte]=…&created[lt]=…` as what each instant has to hold; 400 for other words."""
    given = parameters.get(name) or {}
    if not isinstance(given, dict):
        given = {"gte": given, "lte": given}
    only(given, BOUNDS)
    return [(BOUNDS[word], integer(given, word) or 0) for word in given]


def listed(parameters: Mapping[str, Any], name: str) -> list[str]:
    """A list in the order of its indexes; empty when absent."""
    value = parameters.get(name) or {}
    if not isinstance(value, dict) or not all(key.isdigit() and isinstance(each, str) for key, each in value.items()):
        raise invalid("Invalid array", param=name)
    return [value[key] for key in sorted(value, key=int)]


def flag(parameters: Mapping[str, Any], name: str) -> bool:
    """A boolean, false when absent."""
    value = text(parameters, name)
    if value not in {None, "true", "false"}:
        raise invalid(f"Invalid boolean: {value}", param=name)
    return value == "true"


def choice(parameters: Mapping[str, Any], name: str, allowed: Collection[str]) -> str | None:
    """One of `allowed`; None when absent."""
    value = text(parameters, name)
    if value is not None and value not in allowed:
        raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
    return value


def metadata(parameters: Mapping[str, Any], present: Mapping[str, str]) -> dict[str, str]:
    """`present` with the given keys set, those given empty removed, all removed by an empty `metadata`."""
    given = parameters.get("metadata", {})
    if given == "":
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise invalid("Invalid object", param="metadata")
    merged = {**present, **given}
    if len(merged) > 50 or any(len(key) > 40 or len(value) > 500 for key, value in merged.items()):
        raise invalid("Metadata holds up to 50 keys of 40 characters with values of 500.", param="metadata")
    return {key: value for key, value in merged.items() if value}
