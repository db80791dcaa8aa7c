"""The template names what the contracts have."""

import re

import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway_config import TEMPLATE, descriptor_image, render_gateway


@pytest.fixture(scope="module")
def connection_manager():
    text = TEMPLATE.read_text()
    values = dict.fromkeys(re.findall(r"@([A-Z][A-Z0-9_]*)@", text), "1")
    document = yaml.safe_load(render_gateway(text, values))
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
        route["match"]["prefix"]: route["route"].get("cluster") for route in routes if "prefix" in route["match"]
    }
    assert {name: clusters.get(f"/{name}/") for name in services} == {name: name.split(".")[1] for name in services}


def test_every_streaming_rpc_has_a_route_of_its_own_that_waits_longer(connection_manager, services):
    routes = connection_manager["route_config"]["virtual_hosts"][0]["routes"]
    own = {route["match"]["path"] for route in routes if "idle_timeout" in route.get("route", {})}
    streaming = {
        f"/{name}/{rpc.name}" for name, service in services.items() for rpc in service.method if rpc.server_streaming
    }
    assert own == streaming
