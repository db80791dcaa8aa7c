"""What is rendered is what Kubernetes knows: each object keeps to the strict schema of its kind."""

import functools
import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml
from helm_chart import own_values
from referencing import Registry, Resource

from testkit import containers

VERSIONS = ("1.30.0", "1.37.0")
# Definitions of operators, which the cluster brings.
FOREIGN = {
    "gateway.networking.k8s.io", "cert-manager.io", "keda.sh", "monitoring.coreos.com", "external-secrets.io",
}  # fmt: skip
DEFINITIONS = yaml.safe_load(Path(__file__).with_name("operators.yaml").read_text())
OPERATORS = {name.partition("/")[0] for name in DEFINITIONS}


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
def test_each_object_is_one_that_kubernetes_takes(version, every_object):
    known = [each for each in every_object if each["apiVersion"].partition("/")[0] not in {*FOREIGN, *OPERATORS}]
    assert len({each["kind"] for each in known}) >= 10
    for each in known:
        validate(each, version)


@functools.cache
def operator_validator(name):
    return jsonschema.Draft202012Validator(DEFINITIONS[name])


def test_resources_of_operators_keep_to_their_definitions(every_object):
    found = set()
    for each in (each for each in every_object if each["apiVersion"].partition("/")[0] in OPERATORS):
        name = f"{each['apiVersion']} {each['kind']}"
        operator_validator(name).validate(each["spec"])
        found.add(name)
    assert found == set(DEFINITIONS)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("kafka.strimzi.io/v1 Kafka", {"zookeeper": {}}),
        ("kafka.strimzi.io/v1 KafkaNodePool", {"roles": ["voter"]}),
        ("kafka.strimzi.io/v1 KafkaUser", {"authentication": {"type": "password"}}),
        ("elasticsearch.k8s.elastic.co/v1 Elasticsearch", {"nodeSets": [{"count": 3}]}),
        ("mongodbcommunity.mongodb.com/v1 MongoDBCommunity", {"users": [{"name": "usher"}]}),
    ],
)
def test_the_cut_definitions_find_what_is_wrong(name, change, rendered):
    own = next(each for each in rendered("prod", "operators") if f"{each['apiVersion']} {each['kind']}" == name)
    with pytest.raises(jsonschema.ValidationError):
        operator_validator(name).validate({**own["spec"], **change})


def test_an_unknown_field_is_found(rendered, find):
    deployment = find(rendered("prod"), "Deployment", "usher-event")
    broken = {**deployment, "spec": {**deployment["spec"], "replica": 3}}
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        validate(broken, VERSIONS[0])


def test_engines_for_development_are_those_that_the_tests_in_containers_run_on():
    images = {name: each["image"] for name, each in own_values()["engines"].items() if "image" in each}
    assert images == {
        "mongodb": containers.MONGO, "kafka": containers.KAFKA, "elasticsearch": containers.ELASTICSEARCH,
    }  # fmt: skip
