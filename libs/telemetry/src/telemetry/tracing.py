"""Traces over OTLP when an endpoint is set; otherwise a caller's traceparent is only carried on."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from telemetry import traceparent
from telemetry.correlation import bind_correlation_id
from telemetry.traceparent import NO_TRACE, TraceIds

if TYPE_CHECKING:
    from telemetry.otlp import OtlpTraces

_carried: ContextVar[str] = ContextVar("traceparent", default="")


class Tracing:
    """What one process traces with. Without an endpoint nothing of OpenTelemetry is even imported."""

    _active: "OtlpTraces | None" = None

    @property
    def enabled(self) -> bool:
        """Whether spans are recorded and exported."""
        return self._active is not None

    def server_interceptors(self) -> Sequence[Any]:
        """For `grpc.aio.server`, to stand first; empty when not enabled. Health and reflection are left out."""
        return self._active.server_interceptors() if self._active else ()

    def client_interceptors(self) -> Sequence[Any]:
        """For `grpc.aio` channels; empty when not enabled. They send the traceparent themselves."""
        return self._active.client_interceptors() if self._active else ()

    async def shutdown(self, seconds: float = 3.0) -> bool:
        """Export what is left, for at most `seconds`; False when it took longer and was abandoned."""
        active, self._active = self._active, None
        return await active.shutdown(seconds) if active else True

    def start(self, service: str, endpoint: str, ratio: float) -> None:
        """Begin to export to an OTLP/gRPC `endpoint` such as http://collector:4317."""
        # Here and not above: the SDK and its exporter cost 8 MB, which only who exports should pay.
        from telemetry.otlp import OtlpTraces

        self._active = OtlpTraces(service, endpoint, ratio)

    @property
    def active(self) -> "OtlpTraces | None":
        """The exporter's side, for this package."""
        return self._active


# A process has one tracing configuration, as it has one log.
_tracing = Tracing()


def configure_tracing(service: str, endpoint: str | None, ratio: float = 1.0) -> Tracing:
    """Trace when `endpoint` is given; `ratio` (0…1) of traces begun here are kept, a caller's decision stands."""
    if endpoint and not _tracing.enabled:
        _tracing.start(service, endpoint, ratio)
    return _tracing


def current_traceparent() -> str:
    """The header to send on: of the current span, else the one that came in, else an empty string."""
    active = _tracing.active
    return (active.current_traceparent() if active else "") or _carried.get()


def current_ids() -> TraceIds:
    """Trace and span id for log lines."""
    header = current_traceparent()
    return traceparent.parse(header) if header else NO_TRACE


@contextmanager
def continue_from(header: str, correlation_id: str) -> Iterator[None]:
    """Run the block as a continuation of who sent these; a malformed traceparent is ignored.

    Where an interceptor already opened a span of the same request, that span stays the parent.
    """
    token = _carried.set(header if traceparent.parse(header) is not NO_TRACE else "")
    try:
        with bind_correlation_id(correlation_id), ExitStack() as stack:
            if active := _tracing.active:
                stack.enter_context(active.continue_from(_carried.get()))
            yield
    finally:
        _carried.reset(token)


@contextmanager
def span(name: str, **attributes: str | float | bool) -> Iterator[None]:
    """Record the block as a span of our own work (a consumer, a worker); nothing when not enabled."""
    active = _tracing.active
    if active is None:
        yield
        return
    with active.span(name, attributes):
        yield
