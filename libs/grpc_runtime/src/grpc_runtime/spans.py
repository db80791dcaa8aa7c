"""OpenTelemetry's interceptor, asked only where there is something to record."""

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import grpc.aio

from grpc_runtime.method import Handler, Method
from telemetry import Tracing

if TYPE_CHECKING:
    from grpc_runtime.call import Call


class _Details(NamedTuple):
    """What of grpc.HandlerCallDetails names a span."""

    method: str


class Spans:
    """Puts a span around each unary rpc whose trace is recorded, and nothing around any other.

    Among the server's own interceptors OpenTelemetry's would cost every call a tenth of an empty rpc, whatever it then
    decides. It takes streams only from async generators, and loses its context when a client stops reading; Telemetry
    opens the span of a stream.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def around(self, method: Method, following: Handler) -> Handler:
        """Every unary rpc of a service that sends traces."""
        interceptor = self._tracing.server_interceptor()
        if interceptor is None or method.streams:
            return following
        records, details = self._tracing.records, _Details(f"/{method.full_name}")
        handler: Any = grpc.unary_unary_rpc_method_handler(following)

        async def found(_details: _Details) -> Any:
            return handler

        async def traced(request: Any, call: "Call") -> Any:
            if not records(str(call.headers.get("traceparent", ""))):
                return await following(request, call)
            spanned = await interceptor.intercept_service(found, details)
            return await spanned.unary_unary(request, call)

        return traced
