"""A small service of jars, its contract compiled while the tests run, behind all interceptors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import grpc
import grpc_tools
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from access import Ownership
from grpc_runtime import Service
from testkit.calls import Calls, CallSettings, calls_to
from usher.access.v1 import access_pb2  # noqa: F401 registers what the contract imports
from usher.buf.validate import validate_pb2  # noqa: F401 the same

CONTRACT = """
syntax = "proto3";
package usher.jar.v1;
import "buf/validate/validate.proto";
import "usher/access/v1/access.proto";

service JarService {
  rpc PeekJar(Jar) returns (Jar) { option (usher.access.v1.rule) = {public: true}; }
  rpc MyJars(Jar) returns (Jar) { option (usher.access.v1.rule) = {signed_in: true}; }
  rpc FillJar(FillJarRequest) returns (Jar) {
    option (usher.access.v1.rule) = {grant: {resource: "jar.name" permission: "events.update" owner: true}};
  }
  rpc PourJar(Jar) returns (stream Jar) { option (usher.access.v1.rule) = {public: true}; }
  rpc ForgottenJar(Jar) returns (Jar) { option (usher.access.v1.rule) = {public: true}; }
}
service OpenService {
  rpc Anything(Jar) returns (Jar);
}
enum Lid { LID_UNSPECIFIED = 0; LID_CORK = 1; }
message Jar {
  string name = 1 [(buf.validate.field).string = {pattern: "^jars/[a-z]+$"}];
  int32 grams = 2 [(buf.validate.field).int32 = {gte: 0, lte: 1000}];
  Lid lid = 3 [(buf.validate.field).enum.defined_only = true];
  repeated Label labels = 4;
}
message Label {
  string text = 1 [(buf.validate.field).string.max_len = 5];
  string combination = 2 [debug_redact = true];
}
message FillJarRequest {
  Jar jar = 1 [(buf.validate.field).required = true];
  string request_id = 2;
}
"""


@dataclass
class Contract:
    """Message classes, a registration function, and a stub."""

    Jar: Any
    FillJarRequest: Any
    Label: Any
    rpcs: dict[str, tuple[Any, Any, bool]] = field(default_factory=dict)

    def add_to_server(self, servicer: Any, server: Any, *, service: str = "usher.jar.v1.JarService") -> None:
        """What generated code does, for the methods the servicer has."""
        handlers = {}
        for rpc, (request, answer, streams) in self.rpcs.items():
            behaviour = getattr(servicer, rpc, None)
            if behaviour is None and service.endswith("JarService"):
                behaviour = _not_overridden
            make = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
            if behaviour is not None:
                handlers[rpc] = make(behaviour, request.FromString, answer.SerializeToString)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        server.add_registered_method_handlers(service, handlers)

    def add_open(self, servicer: Any, server: Any) -> None:
        """A service whose rpc has no rule."""
        handler = grpc.unary_unary_rpc_method_handler(_not_overridden, self.Jar.FromString, self.Jar.SerializeToString)
        server.add_registered_method_handlers("usher.jar.v1.OpenService", {"Anything": handler})

    def stub(self, channel: Any) -> Any:
        """One callable per rpc."""
        return SimpleNamespace(
            **{
                rpc: (channel.unary_stream if streams else channel.unary_unary)(
                    f"/usher.jar.v1.JarService/{rpc}",
                    request_serializer=request.SerializeToString,
                    response_deserializer=answer.FromString,
                )
                for rpc, (request, answer, streams) in self.rpcs.items()
            }
        )


def _not_overridden(request: Any, context: Any) -> Any:
    raise NotImplementedError


@pytest.fixture(scope="session")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The contract above, compiled against the committed descriptor image."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "jar.proto").write_text(CONTRACT)
    written = folder / "jar.binpb"
    code = protoc.main(
        [
            "protoc",
            f"-I{folder}",
            f"--descriptor_set_in={files('usher') / 'descriptors.binpb'}",
            f"--descriptor_set_out={written}",
            "jar.proto",
        ]
    )
    assert code == 0, grpc_tools.__name__
    pool = descriptor_pool.Default()
    for file in descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes()).file:
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    jar, fill, label = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"usher.jar.v1.{name}"))
        for name in ("Jar", "FillJarRequest", "Label")
    )
    rpcs = {
        "PeekJar": (jar, jar, False),
        "MyJars": (jar, jar, False),
        "FillJar": (fill, jar, False),
        "PourJar": (jar, jar, True),
        "ForgottenJar": (jar, jar, False),
    }
    return Contract(jar, fill, label, rpcs)


class Jars:
    """The servicer; `behaviour` is what its methods do, set by each test."""

    def __init__(self) -> None:
        self.behaviour: Callable[[Any, Any], Any] = _echo
        self.contexts: list[Any] = []
        self.entered = asyncio.Event()

    async def PeekJar(self, request: Any, context: Any) -> Any:
        self.contexts.append(context)
        self.entered.set()
        return await self.behaviour(request, context)

    async def MyJars(self, request: Any, context: Any) -> Any:
        return await self.PeekJar(request, context)

    async def FillJar(self, request: Any, context: Any) -> Any:
        self.contexts.append(context)
        return await self.behaviour(request.jar, context)

    async def PourJar(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.contexts.append(context)
        self.entered.set()
        for _ in range(request.grams):
            yield await self.behaviour(request, context)


async def _echo(request: Any, context: Any) -> Any:
    return request


async def owner_of(name: str) -> Ownership | None:
    """jars/a is Ada's and belongs to organizers/o."""
    return Ownership(user="users/ada", organizer="organizers/o") if name == "jars/a" else None


@pytest.fixture
def jars() -> Jars:
    """The servicer behind `calls`."""
    return Jars()


@pytest.fixture
def service(contract: Contract, jars: Jars) -> Service:
    """The parts behind `calls`."""
    return Service(servicers=[(contract.add_to_server, jars)], owner_of=owner_of)


@pytest.fixture
async def calls(service: Service) -> AsyncIterator[Calls]:
    """A started server."""
    async with calls_to(service, CallSettings(max_in_flight=3)) as started:
        yield started


@pytest.fixture
def stub(calls: Calls, contract: Contract) -> Any:
    """Raises refusals."""
    return contract.stub(calls.channel)


@pytest.fixture
def plain_stub(calls: Calls, contract: Contract) -> Any:
    """Raises AioRpcError."""
    return contract.stub(calls.plain_channel)
