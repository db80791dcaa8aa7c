"""No key of the values is dead: each one, changed, changes what is rendered."""

import json
import re

import pytest
from helm_chart import CHART, over, own_values, render_text

# Everything that can be switched on at once, so that every key has something to change.
ALL_ON = {
    "environment": "dev",
    "keda": {"enabled": True},
    "monitoring": {"serviceMonitors": True, "alerts": True, "dashboards": True},
    "externalSecrets": {"enabled": True},
    "engines": {"kind": "singleNode"},
    "development": {"mail": {"enabled": True}, "sandbox": {"enabled": True}, "seed": {"enabled": True}},
    "smoke": {"account": "usher-smoke", "outside": True},
    "tls": {"internal": {"enabled": True, "certManager": {"issuer": "company"}}},
}
VALUES = over(own_values(), ALL_ON)
# Besides, where something else is in the place of what is on.
OFF = {name: {"enabled": False} for name in ("mail", "sandbox", "seed")}
BESIDES = {
    ("environment",): {"engines": {"kind": "none"}, "development": OFF},
    ("engines", "operators"): {"engines": {"kind": "operators"}},
    ("development", "mail", "enabled"): {"development": {"seed": {"enabled": False}}},
}
# What a key may be instead, where a schema allows only some texts.
INSTEAD = {
    "environment": "staging", "publicUrl": "https://other.example", "kind": "none", "replicas": 5,
    "pullPolicy": "Always", "issuerKind": "Issuer", "zones": "DoNotSchedule", "nodes": "DoNotSchedule",
    "priority": "background", "storeKind": "SecretStore", "interval": "9s", "refreshInterval": "9m", "cpu": "77m",
    "memory": "77Mi", "storage": "77Gi", "cidr": "192.0.2.0/24", "folder": "/elsewhere",
    "USHER_KAFKA_SECURITY": "SSL", "USHER_KAFKA_MECHANISM": "PLAIN",
}  # fmt: skip
EMPTY = {
    "event": {"drainSeconds": 44},
    "pullSecrets": [{"name": "other"}],
    "annotations": {"other": "other"},
    "matchLabels": {"other": "other"},
}


def leaves(values, path=()):
    """Path → value of whatever is no mapping, and of empty ones."""
    found = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, (*path, key))
        else:
            found[(*path, key)] = value
    return found


def other(key, value):
    if key == "version":
        return re.sub(r"\d+$", "99", value or "4.2.0")
    if key in EMPTY and not value:
        return EMPTY[key]
    if key in INSTEAD:
        return INSTEAD[key] if INSTEAD[key] != value else "standard"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}1"
    if isinstance(value, list):
        return value[:-1] if len(value) > 1 else [{"podSelector": {"matchLabels": {"other": "other"}}}]
    raise TypeError(f"{key}: {value!r}")


def nested(path, value):
    for key in reversed(path):
        value = {key: value}
    return value


# Texts that come out as they are can all be looked for in one rendering.
MARKED = {
    path for path in leaves(VALUES)
    if {"settings", "secrets", "files", "consumes"} & set(path) and isinstance(leaves(VALUES)[path], str)
    and not path[-1].startswith(("USHER_KAFKA_SECURITY", "USHER_KAFKA_MECHANISM"))
}  # fmt: skip
ONE_BY_ONE = {path: value for path, value in leaves(VALUES).items() if path not in MARKED}


@pytest.fixture(scope="module")
def before():
    return render_text("", ALL_ON)


@pytest.mark.parametrize("path", ONE_BY_ONE, ids=".".join)
def test_a_changed_value_changes_what_is_rendered(path, before):
    change = nested(path, other(path[-1], ONE_BY_ONE[path]))
    more = next((more for place, more in BESIDES.items() if path[: len(place)] == place), {})
    assert render_text("", ALL_ON, more, change) != (render_text("", ALL_ON, more) if more else before)


def test_every_text_that_goes_to_a_service_gets_there():
    marks, change = {}, {}
    for number, path in enumerate(sorted(MARKED)):
        mark = f"mark-{number}-end"
        if path[-2:-1] == ("consumes",):
            mark = f"usher.{'abcdefghijklmnopqrstuvwxyz'[number % 26]}{'abcdefghijklmnopqrstuvwxyz'[number // 26]}.v1"
        if path[-1] == "folder":
            mark = f"/{mark}"
        marks[path] = mark
        change = over(change, nested(path, mark))
    # What helpers of development bring would stand for what is given.
    text = render_text("", ALL_ON, {"development": OFF}, change)
    assert {path: mark for path, mark in marks.items() if not re.search(rf"{re.escape(mark)}\b", text)} == {}


def test_the_schema_refuses_unknown_keys_at_every_place():
    schema = json.loads((CHART / "values.schema.json").read_text())
    # Where operators name things themselves.
    free = {"texts", "consumes", "files"}
    found = list(objects_in(schema, free))
    assert len(found) > 40
    assert all(each.get("additionalProperties") is False for each in found)


def test_every_key_of_the_schema_stands_in_the_values():
    """But those of one component, over the defaults of all, and settings, which come from a text or a Secret."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    unknown = [
        path for path in keys_in(schema, schema, ())
        if path[0] != "components" and not {"settings", "secrets"} & set(path) and not present(own_values(), path)
    ]  # fmt: skip
    assert {path[-2:] for path in unknown} == {("limits", "cpu")}, (
        "no limit of CPU: it slows down what is idle elsewhere"
    )


def test_what_stands_for_all_components_can_be_said_of_one():
    plain = render_text("", ALL_ON)
    for key, value in {
        "scaling": {"min": 1, "max": 1}, "resources": {"limits": {"cpu": "3"}}, "priority": "background",
        "preStopSeconds": 44, "drainSeconds": 44, "settings": {"USHER_LOG_LEVEL": "ERROR"},
        "secrets": {"USHER_MONGODB_URI": {"secret": "other", "key": "other"}},
    }.items():  # fmt: skip
        assert render_text("", ALL_ON, {"components": {"event": {key: value}}}) != plain, key


def objects_in(schema, free):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for key, value in schema.items():
            if key not in free:
                yield from objects_in(value, free)


def keys_in(schema, root, path):
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "properties" not in schema:
        if path:
            yield path
        return
    for key, value in schema["properties"].items():
        yield from keys_in(value, root, (*path, key))


def present(values, path):
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
