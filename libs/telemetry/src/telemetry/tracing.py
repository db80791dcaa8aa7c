"""Traces over OTLP when an endpoint is set; otherwise a caller's traceparent is only carried on.

Whether a trace is recorded is decided once, where it begins, and carried in its traceparent: who continues one that is
not recorded makes no span, so that traces cost by how many are kept.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, Protocol

from telemetry import traceparent
from telemetry.correlation import bind_correlation_id
from telemetry.traceparent import NO_TRACE, TraceIds

if TYPE_CHECKING:
    from telemetry.otlp import OtlpTraces

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

_carried: ContextVar[str] = ContextVar("traceparent", default="")
# Whether a trace is recorded that begins with the rpc being served; None where that was not asked yet.
_begun: ContextVar[bool | None] = ContextVar("trace_begun", default=None)


class Span(Protocol):
    """What is being done, recorded or not."""

    def note(self, name: str, value: Value) -> None:
        """Another attribute."""

    def failed(self, why: str) -> None:
        """It did not succeed; no text from outside."""


class _Unrecorded:
    def note(self, name: str, value: Value) -> None:
        pass

    def failed(self, why: str) -> None:
        pass


UNRECORDED: Span = _Unrecorded()


class Tracing:
    """What one process traces with. Without an endpoint nothing of OpenTelemetry is even imported."""

    _active: "OtlpTraces | None" = None

    @property
    def enabled(self) -> bool:
        """Whether spans are recorded and exported."""
        return self._active is not None

    def server_interceptor(self) -> Any:
        """OpenTelemetry's for `grpc.aio`, which opens a span around each unary rpc it meets; None when not enabled."""
        return self._active.server_interceptor() if self._active else None

    def records(self, header: str) -> bool:
        """Whether an rpc that came with this traceparent is recorded; decides it for one that came without."""
        if traceparent.parse(header) is not NO_TRACE:
            return traceparent.is_sampled(header)
        begun = self._active is not None and random.random() < self._active.ratio  # noqa: S311  # no secret
        _begun.set(begun)
        return begun

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

    Where a span of the same request is open already, that span stays the parent.
    """
    carried = header if header and traceparent.parse(header) is not NO_TRACE else ""
    token, active = _carried.set(carried), _tracing.active
    try:
        with bind_correlation_id(correlation_id):
            if active is None or not active.is_concerned(carried):
                yield
            else:
                with active.continue_from(carried):
                    yield
    finally:
        _carried.reset(token)


@contextmanager
def span(name: str, kind: Kind = "internal", **attributes: Value) -> Iterator[Span]:
    """Record the block as a span, if its trace is recorded; where none has begun, one begins here.

    Names are of few values, ids belong into attributes. An exception marks it failed; a server says itself what is a
    failure.
    """
    active = _tracing.active
    if active is None:
        yield UNRECORDED
    elif kind == "server" and active.in_own_span():  # which the rpc's interceptor has opened
        yield active.named(name)
    elif active.in_recorded_trace() or (not _carried.get() and _begins(active.ratio)):
        with active.span(name, kind, attributes) as recorded:
            yield recorded
    else:
        token = _carried.set(_carried.get() or traceparent.unrecorded())
        try:
            yield UNRECORDED
        finally:
            _carried.reset(token)


def _begins(ratio: float) -> bool:
    begun = _begun.get()
    return random.random() < ratio if begun is None else begun  # noqa: S311  # no secret


@contextmanager
def sending(name: str, headers: Sequence[str], **attributes: Value) -> Iterator[Sequence[str]]:
    """A producer's span around the block for each message whose sender's trace is recorded.

    headers: traceparents of who caused each message. Gives what is to be sent with each: of its span, or what it came
    with.
    """
    active = _tracing.active
    if active is None:
        yield headers
        return
    with active.sending(name, headers, attributes) as sent:
        yield sent
