"""What a gateway in a container does beside serving: lays out its files, lets callers go."""

import threading
import time

import httpx
import pytest

from gateway_config.__main__ import assemble
from gateway_config.drain import drain


@pytest.fixture
def own_gateway(tmp_path, start_gateway_once):
    """A gateway that a test may drain, and its admin port."""
    assemble(tmp_path / "assembled")
    placed = {
        "SITE_FOLDER": str(tmp_path / "assembled" / "site"),
        "DESCRIPTORS": str(tmp_path / "assembled" / "descriptors.binpb"),
    }
    with start_gateway_once(tmp_path, **placed) as gateway:
        text = (tmp_path / "envoy.yaml").read_text()
        admin = int(text.split("127.0.0.1, port_value: ", 1)[1].split("}", 1)[0])
        yield gateway, admin


def test_a_gateway_serves_from_a_folder_that_was_assembled_and_sends_callers_away_when_it_drains(own_gateway):
    gateway, admin = own_gateway
    with httpx.Client(base_url=gateway.url) as client:
        assert "swagger" in client.get("/docs").text
        assert "connection" not in client.get("/docs").headers
        drain(admin, 1.0)
        assert client.get("/docs").headers["connection"] == "close"


def test_draining_waits_for_a_call_under_way_and_not_longer_than_told(own_gateway):
    gateway, admin = own_gateway
    path = "/v1/events/01jv8x3m7q2k5t9w4r6y1z0abc/availability:watch"
    with httpx.Client(base_url=gateway.url, timeout=20) as client:
        with client.stream("GET", path) as stream:
            assert stream.status_code == 200
            began = time.monotonic()
            drain(admin, 2.0)
            assert time.monotonic() - began >= 2.0
            threading.Timer(1.0, gateway.services.released.set).start()
            drain(admin, 15.0)
            assert time.monotonic() - began < 14.0
            stream.read()
