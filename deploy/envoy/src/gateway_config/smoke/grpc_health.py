"""The health of each service (grpc.health.v1), asked in gRPC through the gateway."""

from pathlib import Path
from typing import TypeAlias

import grpc

from gateway_config.smoke.visit import CALL_SECONDS, Visit, Wrong

SERVICES = ("user", "event", "booking", "payment", "notification", "search", "analytics")
METHOD = "/grpc.health.v1.Health/Check"
# Which service is meant, since all have the same method.
HEADER = "usher-service"
SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}
Call: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"


def all_serve(visit: Visit) -> None:
    """Seven services say SERVING over gRPC"""
    with _channel(visit) as channel:
        call: Call = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
        wrong = {service: problem for service in SERVICES if (problem := _problem(call, service))}
    if wrong:
        raise Wrong(", ".join(f"{service}: {problem}" for service, problem in wrong.items()))


def _problem(call: Call, service: str) -> str:
    try:
        answer = call(b"", metadata=((HEADER, service),), timeout=CALL_SECONDS)
    except grpc.RpcError as refused:
        return str(refused.code().name)
    return "" if answer == SERVING else "NOT_SERVING"


def _channel(visit: Visit) -> grpc.Channel:
    target = "{}:{}".format(*visit.place)
    if not visit.secure:
        return grpc.insecure_channel(target)
    authorities = Path(visit.certificate).read_bytes() if visit.certificate else None
    options = [("grpc.ssl_target_name_override", visit.name)] if visit.name else []
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authorities), options)
