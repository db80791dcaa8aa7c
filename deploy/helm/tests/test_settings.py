"""The environment of each service in a cluster is what that service reads, no more and no less."""

import json
import re
from dataclasses import fields
from importlib import import_module
from importlib.resources import files

import pytest
from helm_chart import CHART, own_values

from environment import read

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")
# Of allocator and gRPC, see deploy/local.
OF_LIBRARIES = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GRPC_EXPERIMENTS"}
# What the chart decides itself, so that nobody can set it apart from ports, probes and addresses.
OWN = {
    "USHER_GRPC_HOST", "USHER_GRPC_PORT", "USHER_METRICS_PORT", "USHER_DRAIN_SECONDS", "USHER_JWKS_TARGET",
    "USHER_TOKEN_ISSUER", "USHER_HEALTH_PORT", "USHER_TLS_CERT_FILE", "USHER_TLS_KEY_FILE", "USHER_TLS_CA_FILE",
    "USHER_TLS_PEERS",
}  # fmt: skip


def settings_of(name):
    return import_module(f"{name}_service.settings").Settings


def variables(name):
    return {each.metadata["variable"] for each in fields(settings_of(name)) if "variable" in each.metadata}


def environ(objects, pods, name):
    (container,) = pods(objects)[f"Deployment usher-{name}"]["containers"]
    found = {each["name"]: each for each in container["env"]}
    assert len(found) == len(container["env"]), "a variable is set twice"
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_the_chart_sets_exactly_the_settings_a_service_reads(name, environment, rendered, pods):
    assert set(environ(rendered(environment), pods, name)) - OF_LIBRARIES == variables(name)


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_takes_them(name, environment, rendered, pods):
    given = environ(rendered(environment), pods, name)
    texts = {key: each.get("value", "") for key, each in given.items()}
    needed = {key for key, each in given.items() if "valueFrom" in each and not _optional(each)}
    settings = read(settings_of(name), texts | dict.fromkeys(needed, "from a secret"))
    assert settings.host == "0.0.0.0"
    assert settings.jwks_target.endswith(":8080")


def test_outside_dev_no_password_stands_in_a_manifest(rendered, pods):
    for environment in ("staging", "prod"):
        for name in SERVICES:
            secret = {
                each.metadata["variable"]
                for each in fields(settings_of(name))
                if "variable" in each.metadata and not each.repr
            }
            given = environ(rendered(environment), pods, name)
            assert {key for key in secret if "valueFrom" not in given[key]} == set()


@pytest.mark.parametrize("name", SERVICES)
def test_the_schema_knows_each_setting_of_each_service(name):
    schema = json.loads((CHART / "values.schema.json").read_text())
    for kind in ("settings", "secrets"):
        known = schema["properties"]["components"]["properties"][name]["properties"][kind]["properties"]
        assert set(known) == variables(name) - OWN


@pytest.mark.parametrize("name", SERVICES)
def test_what_scales_by_unread_records_names_the_consumers_there_are(name):
    """As they are written in the code: Subscription(NAME, [topics], ...)."""
    package = files(f"{name}_service") / "inbound"
    consumers = {}
    for path in package.iterdir():
        text = path.read_text() if path.name.endswith(".py") else ""
        for constant, topics in re.findall(r"Subscription\(\s*([A-Z]+),\s*\[([^\]]+)\]", text):
            module = import_module(f"{name}_service.inbound.{path.name.removesuffix('.py')}")
            (consumers[getattr(module, constant)],) = re.findall(r'"([^"]+)"', topics)
    assert own_values()["components"][name].get("consumes", {}) == consumers


def _optional(variable):
    return variable["valueFrom"]["secretKeyRef"]["optional"]
