"""Anybody may ask through the gateway how a service is; what they get when they ask otherwise."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway_config.smoke.grpc_health import HEADER, METHOD, SERVICES

REACHED = {"user", "event", "booking", "payment", "search", "analytics"}  # nobody is where notification would be


@pytest.fixture
def ask(gateway):
    """`ask(header)`: the error that a check ends with; the fake services know nothing of health."""
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:

        def asked(*header, service="", rpc="Check"):
            call = getattr(health_pb2_grpc.HealthStub(channel), rpc)
            with pytest.raises(grpc.RpcError) as caught:
                answer = call(health_pb2.HealthCheckRequest(service=service), metadata=header, timeout=10)
                list(answer)  # of a stream: only then it begins
            return caught.value

        yield asked


@pytest.mark.parametrize("header", [(), ((HEADER, "nosuch"),), ((HEADER, ""),), ((HEADER, "user,event"),)])
def test_the_health_of_a_service_that_is_not_there_is_not_found(ask, header):
    error = ask(*header)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "The header usher-service names no service."


def test_a_plain_http_client_sees_the_same_in_a_header(client):
    headers = {"content-type": "application/grpc", HEADER: "nosuch"}
    response = client.post(METHOD, content=b"\0\0\0\0\0", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/grpc")
    assert (response.headers["grpc-status"], response.content) == ("5", b"")


@pytest.mark.parametrize("header", [{}, {HEADER: "user"}, {HEADER: "nosuch"}])
def test_health_is_not_told_in_json(client, header):
    response = client.post(METHOD, json={}, headers=header)
    assert response.status_code == 404
    assert response.json()["details"][0]["reason"] == "PATH_UNKNOWN"


def test_the_header_says_whose_health_is_asked(ask):
    found = {service: ask((HEADER, service)) for service in SERVICES}
    reached = {service for service, error in found.items() if error.details() == "Method not found!"}
    assert reached == REACHED
    assert found["notification"].code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("header", [(), ((HEADER, "user"),)])
def test_nobody_outside_watches_health(ask, header):
    assert ask(*header, rpc="Watch").code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_long_question_reaches_no_service(ask):
    assert ask((HEADER, "user"), service="x" * 500).details() == "Method not found!"
    assert ask((HEADER, "user"), service="x" * 1_000_000).details() == "Payload Too Large"
