"""Takes the handlers of generated servicers and puts the interceptors around each, once, before the server starts."""

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool

from access import rule_of
from grpc_runtime.call import Call
from grpc_runtime.method import Handler, Interceptor, Method
from grpc_runtime.service import Service
from grpc_runtime.statuses import abort_with, failure_status

RpcHandlers = dict[str, "grpc.RpcMethodHandler[Any, Any]"]


class Unregistered:
    """A server as generated code of others sees it, which registers none of its rpcs.

    grpc's server waits for all registered rpcs at once, anew for each call: with a hundred of them that takes longer
    than its interceptors and its answer (docs/performance_bookings.md).
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service_name: str, method_handlers: RpcHandlers) -> None:
        """Generated code adds everything twice; the other form is enough."""


class _ByName(grpc.GenericRpcHandler):
    """Finds all rpcs of a server with one look."""

    def __init__(self, handlers: RpcHandlers) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """None for an rpc that is not served here."""
        return self._handlers.get(handler_call_details.method)


class _Recorder:
    """Stands in for a server so that generated code hands over its handlers."""

    def __init__(self) -> None:
        self.found: dict[str, RpcHandlers] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[Any]) -> None:
        """Generated code registers everything twice; the other form is enough."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: RpcHandlers) -> None:
        """Keep them."""
        self.found[service_name] = method_handlers


def register(server: grpc.aio.Server, service: Service, interceptors: Sequence[Interceptor]) -> list[str]:
    """Add all servicers; full names of their services. ValueError for an rpc without a usable access rule."""
    recorder = _Recorder()
    for add, servicer in service.servicers:
        add(servicer, recorder)
    handlers: RpcHandlers = {}
    for name, found in recorder.found.items():
        descriptor = descriptor_pool.Default().FindServiceByName(name)
        for rpc, handler in found.items():
            method = Method(
                full_name=f"{name}/{rpc}",
                service=name,
                streams=bool(handler.response_streaming),
                rule=rule_of(descriptor.methods_by_name[rpc]),
            )
            handlers[f"/{method.full_name}"] = _guarded(method, handler, interceptors)
    server.add_generic_rpc_handlers((_ByName(handlers),))
    return list(recorder.found)


def _guarded(
    method: Method, handler: "grpc.RpcMethodHandler[Any, Any]", interceptors: Sequence[Interceptor]
) -> "grpc.RpcMethodHandler[Any, Any]":
    if handler.request_streaming:
        raise ValueError(f"{method.full_name} streams requests, which the runtime does not serve")
    serve = _streamed(handler.unary_stream) if method.streams else handler.unary_unary
    if not inspect.iscoroutinefunction(serve):
        serve = _unimplemented  # what a generated base class has, or a plain def that would block the loop
    for interceptor in reversed(interceptors):
        serve = interceptor.around(method, serve)
    chain: Handler = serve

    async def entry(request: Any, context: Any) -> Any:
        return await chain(request, Call(context, method))

    make = grpc.unary_stream_rpc_method_handler if method.streams else grpc.unary_unary_rpc_method_handler
    return make(
        entry,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _streamed(behaviour: Any) -> Any:
    """A streaming servicer method as a coroutine that writes, so that every interceptor sees one kind of handler."""
    if not inspect.isasyncgenfunction(behaviour):
        return behaviour
    produce: Callable[[Any, Call], AsyncIterator[Any]] = behaviour

    async def write_all(request: Any, call: Call) -> None:
        async with aclosing(produce(request, call)) as answers:  # type: ignore[type-var]
            async for answer in answers:
                await call.write(answer)

    return write_all


async def _unimplemented(_request: Any, call: Call) -> None:
    domain = "usher." + call.method.service.split(".")[1]
    status = failure_status(grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED", "This rpc is not served.", domain)
    await abort_with(call, status)
