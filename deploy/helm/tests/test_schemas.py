"""What is rendered is what Kubernetes knows: each object keeps to the strict schema of its kind."""

import functools
import json
import re
from importlib.resources import files

import jsonschema
import pytest
from helm_chart import ENVIRONMENTS, own_values
from referencing import Registry, Resource

from testkit import containers

VERSIONS = ("1.30.0", "1.37.0")
# Definitions of operators, which the cluster brings.
FOREIGN = {
    "gateway.networking.k8s.io", "cert-manager.io", "keda.sh", "monitoring.coreos.com", "external-secrets.io",
}  # fmt: skip
SWITCHES = ("as it is", "load balancer", "no keda", "priorities", "internal tls")


@functools.cache
def folder(version):
    """The package's own validator reads all definitions again for each object, so its files are used without it."""
    place = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return place, Resource.from_contents(json.loads((place / "_definitions.json").read_text()))


@functools.cache
def validator(version, kind, api_version):
    place, definitions = folder(version)
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = json.loads((place / f"{kind.lower()}-{group}.json").read_text())
    registry = definitions @ (Resource.from_contents(schema) @ Registry())
    return jsonschema.Draft202012Validator(schema, registry=registry)


def validate(each, version):
    validator(version, each["kind"], each["apiVersion"]).validate(each)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_object_is_one_that_kubernetes_takes(version, rendered):
    seen = {
        json.dumps(each, sort_keys=True): each
        for environment in ENVIRONMENTS for switch in SWITCHES for each in rendered(environment, switch)
    }  # fmt: skip
    known = [each for each in seen.values() if each["apiVersion"].partition("/")[0] not in FOREIGN]
    assert len({each["kind"] for each in known}) >= 10
    for each in known:
        validate(each, version)


def test_an_unknown_field_is_found(rendered, find):
    deployment = find(rendered("prod"), "Deployment", "usher-event")
    broken = {**deployment, "spec": {**deployment["spec"], "replica": 3}}
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        validate(broken, VERSIONS[0])


def test_engines_for_development_are_those_that_the_tests_in_containers_run_on():
    images = {name: each["image"] for name, each in own_values()["engines"].items() if name != "singleNode"}
    assert images == {
        "mongodb": containers.MONGO, "kafka": containers.KAFKA, "elasticsearch": containers.ELASTICSEARCH,
    }  # fmt: skip
