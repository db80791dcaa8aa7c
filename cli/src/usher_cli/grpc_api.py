"""The calls of `Api` made over gRPC: the http rules of the contracts applied on the client's side."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import TracebackType
from typing import Any, Self

import grpc
from google.api import annotations_pb2
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from local_stack.platform_processes import SERVICES
from usher_cli.api import PAUSE_SECONDS, ApiRefusal, Exchange

AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
# google.rpc.Code to HTTP, as google/rpc/code.proto says.
HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class Binding:
    """One rpc with its http rule: verb, path as an expression, and which field the body fills ("*": all)."""

    method: MethodDescriptor
    verb: str
    path: re.Pattern[str]
    variables: tuple[str, ...]
    body: str


def bindings() -> list[Binding]:
    """Of every rpc of the seven services."""
    found = []
    for service in _contracts():
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            verb = rule.WhichOneof("pattern")
            variables = tuple(re.findall(r"\{([a-z_.]+)=", getattr(rule, verb)))
            expression = re.sub(r"\{[a-z_.]+=([^}]*)\}", r"(\1)", getattr(rule, verb)).replace("*", "[^/:]+")
            found.append(Binding(method, verb.upper(), re.compile(expression), variables, rule.body))
    return found


def _contracts() -> Iterator[ServiceDescriptor]:
    """Every gRPC service; a package may have several."""
    for domain in SERVICES:
        package = import_module(f"usher.{domain}.v1")
        for module in iter_modules(package.__path__):
            if module.name.endswith("_service_pb2"):
                yield from import_module(f"{package.__name__}.{module.name}").DESCRIPTOR.services_by_name.values()


class GrpcApi(AbstractContextManager["GrpcApi"]):
    """`usher_cli.api.Api` over gRPC at `target` ("host:port"); refusals and answers look as they do over JSON."""

    def __init__(self, target: str, patience_seconds: float = 10.0) -> None:
        self._channel = grpc.insecure_channel(target)
        self._patience_seconds = patience_seconds
        self._bindings = bindings()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def get(self, path: str, *, token: str = "", query: Mapping[str, Any] | None = None) -> Any:
        """Read; raises ApiRefusal."""
        return self._call("GET", path, {}, query, token)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str = "",
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Change something; raises ApiRefusal."""
        return self._call("POST", path, body or {}, query, token)

    def _call(self, verb: str, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None, token: str) -> Any:
        binding, request = self._request(verb, path, body, query or {})
        answer_class = message_factory.GetMessageClass(binding.method.output_type)
        call = self._channel.unary_unary(
            f"/{binding.method.containing_service.full_name}/{binding.method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer_class.FromString,
        )
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                answer = call(request, metadata=metadata, timeout=30)
            except grpc.RpcError as error:
                if error.code() not in AWAY or time.monotonic() > deadline:
                    raise ApiRefusal(_refusal(verb, path, body, error)) from error
                time.sleep(PAUSE_SECONDS)
                continue
            if isinstance(answer, HttpBody):
                return answer.data
            return json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)

    def _request(
        self, verb: str, path: str, body: Mapping[str, Any], query: Mapping[str, Any]
    ) -> tuple[Binding, Message]:
        for binding in self._bindings:
            matched = binding.path.fullmatch(path)
            if binding.verb == verb and matched:
                break
        else:
            raise ValueError(f"no rpc is bound to {verb} {path}")
        document: dict[str, Any] = dict(body) if binding.body == "*" else {}
        if binding.body not in ("", "*"):
            document[binding.body] = dict(body)
        for name, value in [*query.items(), *zip(binding.variables, matched.groups(), strict=True)]:
            _put(document, name.split("."), value)
        request = message_factory.GetMessageClass(binding.method.input_type)()
        return binding, json_format.ParseDict(document, request)


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        document = document.setdefault(part, {})
    document[path[-1]] = value


def _refusal(verb: str, path: str, body: Mapping[str, Any], error: Any) -> Exchange:
    details = []
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            details.append({"reason": info.reason, "metadata": dict(info.metadata)})
    answer = {"message": error.details(), "details": details}
    http_status = HTTP_STATUS.get(error.code(), 500)
    return Exchange(method=verb, path=path, body=body, status=http_status, answer=answer, seconds=0.0)
