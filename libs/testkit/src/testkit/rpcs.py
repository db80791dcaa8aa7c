"""Every rpc of the contracts with its access rule, read from the descriptors; what generated tests run over."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import grpc
from google.api import annotations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from access import AccessRule, rule_of

DOMAINS = ("user", "event", "booking", "payment", "notification", "search", "analytics")


@dataclass(frozen=True, slots=True)
class Rpc:
    """One rpc. `path` is what gRPC calls it by, `id` is for test names."""

    descriptor: MethodDescriptor
    rule: AccessRule

    @property
    def id(self) -> str:
        """Service and method."""
        return f"{self.descriptor.containing_service.name}.{self.descriptor.name}"

    @property
    def path(self) -> str:
        """The HTTP/2 path."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def request(self) -> type[Message]:
        """Class of the request."""
        return message_factory.GetMessageClass(self.descriptor.input_type)

    @property
    def response(self) -> type[Message]:
        """Class of the answer, or of each answer."""
        return message_factory.GetMessageClass(self.descriptor.output_type)

    @property
    def streams(self) -> bool:
        """Whether it answers more than once."""
        return bool(self.descriptor.server_streaming)

    @property
    def http_method(self) -> str:
        """get, post, patch or delete."""
        return str(self.descriptor.GetOptions().Extensions[annotations_pb2.http].WhichOneof("pattern"))

    @property
    def http_pattern(self) -> str:
        """The path template of its HTTP binding."""
        rule = self.descriptor.GetOptions().Extensions[annotations_pb2.http]
        return str(getattr(rule, rule.WhichOneof("pattern")))


def every_rpc() -> list[Rpc]:
    """All rpcs of the seven services' contracts, in order of the contracts."""
    return [
        Rpc(method, rule_of(method))
        for domain in DOMAINS
        for service in _contracts_of(domain)
        for method in service.methods
    ]


def _contracts_of(domain: str) -> Iterator[ServiceDescriptor]:
    package = import_module(f"usher.{domain}.v1")
    for module in iter_modules(package.__path__):
        if module.name.endswith("_service_pb2"):
            yield from import_module(f"{package.__name__}.{module.name}").DESCRIPTOR.services_by_name.values()


def leaf_fields(
    descriptor: Descriptor, depth: int = 2, before: tuple[FieldDescriptor, ...] = ()
) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Paths to scalar and enum fields, through at most `depth` singular messages of our own."""
    for field in descriptor.fields:
        path = (*before, field)
        if field.message_type is None:
            yield path
        elif depth and not field.is_repeated and field.message_type.full_name.startswith("usher."):
            yield from leaf_fields(field.message_type, depth - 1, path)


def put(message: Message, path: str, value: Any) -> None:
    """Set the field at a dotted path."""
    *parents, last = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
    if message.DESCRIPTOR.fields_by_name[last].is_repeated:
        getattr(message, last).append(value)
    else:
        setattr(message, last, value)


def resource_patterns(rpc: Rpc) -> dict[str, str]:
    """Fields of the request that name resources, with the form of the name: {"parent": "events/*"}."""
    found = dict(re.findall(r"\{([a-z_.]+)=([^}]*)\}", rpc.http_pattern))
    if rpc.rule.field and rpc.rule.field not in found:
        found[rpc.rule.field] = f"{rpc.rule.field.rpartition('.')[2]}s/*"  # event.organizer → organizers/*
    return found


def request_about(rpc: Rpc, resources: Mapping[str, str]) -> Message:
    """A request that names the resources it is about; `resources` by pattern."""
    request = rpc.request()
    for field, pattern in resource_patterns(rpc).items():
        put(request, field, resources[pattern])
    return request


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call ended: code, `reason` of the ErrorInfo, and the fields of the BadRequest."""

    code: grpc.StatusCode
    reason: str = ""
    fields: tuple[str, ...] = ()
    message: str = ""


def call(channel: grpc.Channel, rpc: Rpc, request: Message, token: str | None = None, timeout: float = 20) -> Answered:
    """Call once, with the first answer of a stream; a refusal is an answer."""
    metadata = [("authorization", f"Bearer {token}")] if token is not None else []
    make: Any = channel.unary_stream if rpc.streams else channel.unary_unary
    ask = make(
        rpc.path, request_serializer=type(request).SerializeToString, response_deserializer=rpc.response.FromString
    )
    try:
        answer = ask(request, metadata=metadata, timeout=timeout)
        if rpc.streams:
            next(answer)
            answer.cancel()
    except grpc.RpcError as error:
        return _answered(error)
    return Answered(grpc.StatusCode.OK)


def _answered(error: Any) -> Answered:
    reason, fields = "", []
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info, bad = ErrorInfo(), BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            fields += [each.field for each in bad.field_violations]
    return Answered(error.code(), reason, tuple(fields), error.details() or "")
