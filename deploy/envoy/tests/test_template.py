"""The template names what the contracts have."""

import re

import pytest
import yaml
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway_config import TEMPLATE, descriptor_image, render_gateway


@pytest.fixture(scope="module")
def document():
    text = TEMPLATE.read_text()
    values = dict.fromkeys(re.findall(r"@([A-Z][A-Z0-9_]*)@", text), "1")
    return yaml.safe_load(render_gateway(text, values))


@pytest.fixture(scope="module")
def clusters(document):
    return {cluster["name"]: cluster for cluster in document["static_resources"]["clusters"]}


@pytest.fixture(scope="module")
def connection_manager(document):
    return document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


@pytest.fixture(scope="module")
def services():
    image = FileDescriptorSet.FromString(descriptor_image().read_bytes())
    return {f"{file.package}.{service.name}": service for file in image.file for service in file.service}


def test_every_service_is_transcoded(connection_manager, services):
    (transcoder,) = (f for f in connection_manager["http_filters"] if f["name"].endswith("transcoder"))
    assert sorted(transcoder["typed_config"]["services"]) == sorted(services)


def test_every_service_has_a_route_to_its_cluster(connection_manager, services):
    routes = connection_manager["route_config"]["virtual_hosts"][0]["routes"]
    clusters = {
        route["match"]["prefix"]: route["route"].get("cluster")
        for route in routes
        if "prefix" in route["match"] and "route" in route
    }
    assert {name: clusters.get(f"/{name}/") for name in services} == {name: name.split(".")[1] for name in services}


def test_every_streaming_rpc_has_a_route_of_its_own_that_waits_longer(connection_manager, services):
    routes = connection_manager["route_config"]["virtual_hosts"][0]["routes"]
    own = {route["match"]["path"] for route in routes if "idle_timeout" in route.get("route", {})}
    streaming = {
        f"/{name}/{rpc.name}" for name, service in services.items() for rpc in service.method if rpc.server_streaming
    }
    assert own == streaming


def test_only_reads_are_asked_of_another_replica_when_one_could_not_answer(connection_manager, services):
    """INVARIANT: what may have reached a service is sent again only where the contract says GET."""
    host = connection_manager["route_config"]["virtual_hosts"][0]
    assert host["retry_policy"]["retry_on"] == "connect-failure,refused-stream"
    again = [route for route in host["routes"] if "retry_policy" in route.get("route", {})]
    assert {route["route"]["cluster"] for route in again} == {name.split(".")[1] for name in services}
    first = {}
    for name, service in services.items():
        for rpc in service.method:
            path = f"/{name}/{rpc.name}"
            first[path] = next(route for route in host["routes"] if _matches(route["match"], path))
            if first[path] in again:
                assert rpc.options.Extensions[annotations_pb2.http].HasField("get"), path
                assert first[path]["route"]["cluster"] == name.split(".")[1], path
    assert len([path for path, route in first.items() if route in again]) > 50


def test_every_cluster_of_a_service_leaves_out_replicas_that_are_away_and_bounds_what_waits(clusters, services):
    for name in {service.split(".")[1] for service in services}:
        assert clusters[name]["outlier_detection"]["max_ejection_percent"] == 50
        assert clusters[name]["outlier_detection"]["enforcing_consecutive_5xx"] == 0, "INTERNAL is an rpc's fault"
        assert clusters[name]["circuit_breakers"]["thresholds"][0]["max_retries"] > 0


def _matches(match, path):
    """Whether a call that is well-formed takes this route: those for others look at headers."""
    regex = match.get("safe_regex", {}).get("regex")
    return "headers" not in match and (
        match.get("path") == path
        or ("prefix" in match and path.startswith(match["prefix"]))
        or (regex is not None and re.fullmatch(regex, path) is not None)
    )
