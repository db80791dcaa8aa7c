"""The health check of an image says yes only to SERVING."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from grpc_runtime.probe import problem


@pytest.fixture
def service():
    server, health = grpc.server(ThreadPoolExecutor(2)), HealthServicer()
    add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield health, {"USHER_GRPC_PORT": str(port)}
    server.stop(0).wait()


def test_a_serving_service_has_no_problem(service):
    health, environ = service
    health.set("", HealthCheckResponse.SERVING)
    assert problem(environ) == ""


def test_a_service_that_does_not_serve_has_one(service):
    health, environ = service
    health.set("", HealthCheckResponse.NOT_SERVING)
    assert problem(environ) == "NOT_SERVING"


def test_nobody_there_is_a_problem(service):
    assert "no answer on port 1" in problem({"USHER_GRPC_PORT": "1"})
    assert problem({}) == "USHER_GRPC_PORT is missing"
