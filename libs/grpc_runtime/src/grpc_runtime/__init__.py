"""How every Usher service starts, serves, refuses and stops."""

from grpc_runtime.call import Call, caller_of, cause_of, header_of, principal_of
from grpc_runtime.channels import open_channel
from grpc_runtime.http_body import http_body
from grpc_runtime.identity import Identity, identity_of
from grpc_runtime.process import StartRefused, run
from grpc_runtime.service import HealthCheck, Service, Worker
from grpc_runtime.settings import RuntimeSettings
from grpc_runtime.statuses import RemoteFailure, refusal_from, status_of

__all__ = [
    "Call",
    "HealthCheck",
    "Identity",
    "RemoteFailure",
    "RuntimeSettings",
    "Service",
    "StartRefused",
    "Worker",
    "caller_of",
    "cause_of",
    "header_of",
    "http_body",
    "identity_of",
    "open_channel",
    "principal_of",
    "refusal_from",
    "run",
    "status_of",
]
