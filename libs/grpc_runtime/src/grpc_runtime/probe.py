"""`python -m grpc_runtime.probe` exits with 0 if this machine's service says SERVING: the health check of an image."""

import os
import sys
from collections.abc import Mapping

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

SECONDS = 3.0
METHOD = "/grpc.health.v1.Health/Check"


def problem(environ: Mapping[str, str]) -> str:
    """Why the service on loopback is not ready; empty when it is.

    Asked on USHER_HEALTH_PORT where there is one: on USHER_GRPC_PORT only those with a certificate get an answer then.
    """
    port = environ.get("USHER_HEALTH_PORT", "") or environ.get("USHER_GRPC_PORT", "")
    if not port:
        return "USHER_GRPC_PORT is missing"
    if environ.get("USHER_TLS_CERT_FILE", "") and not environ.get("USHER_HEALTH_PORT", ""):
        return "USHER_HEALTH_PORT is missing"
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        ask = channel.unary_unary(
            METHOD,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            reply: HealthCheckResponse = ask(HealthCheckRequest(), timeout=SECONDS)
        except grpc.RpcError as error:
            return f"no answer on port {port}: {error.code().name}"
    status = str(HealthCheckResponse.ServingStatus.Name(reply.status))
    return "" if status == "SERVING" else status


if __name__ == "__main__":
    sys.exit(problem(os.environ) or 0)
