"""Spans recorded with the OpenTelemetry SDK and exported over OTLP/gRPC; imported only when an endpoint is set."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import aio_client_interceptors, aio_server_interceptor, filters
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_TIMEOUT_SECONDS = 5


class OtlpTraces:
    """One tracer provider of its own; the library's process-wide one is left alone."""

    def __init__(self, service: str, endpoint: str, ratio: float, processor: SpanProcessor | None = None) -> None:
        # The provider's own exit hook waits for a collector that may be gone; `shutdown` is bounded instead.
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(ratio),
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            processor
            or BatchSpanProcessor(
                OTLPSpanExporter(
                    endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=EXPORT_TIMEOUT_SECONDS
                )
            )
        )
        self._tracer = self._provider.get_tracer("usher")
        self._propagator = TraceContextTextMapPropagator()

    def server_interceptors(self) -> Sequence[Any]:
        """One, that opens a span per rpc except health checks and reflection."""
        served = filters.negate(filters.any_of(filters.health_check(), filters.service_prefix("grpc.reflection")))
        return [aio_server_interceptor(tracer_provider=self._provider, filter_=served)]  # type: ignore[no-untyped-call]

    def client_interceptors(self) -> Sequence[Any]:
        """One per kind of rpc."""
        return list(aio_client_interceptors(tracer_provider=self._provider))  # type: ignore[no-untyped-call]

    def current_traceparent(self) -> str:
        """Of the current span, sampled or not; empty outside any."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    @contextmanager
    def continue_from(self, header: str) -> Iterator[None]:
        """Make the sender's span the parent unless a span of this process is open."""
        current = trace.get_current_span().get_span_context()
        if current.is_valid and not current.is_remote:
            yield
            return
        token = otel_context.attach(self._propagator.extract({"traceparent": header}))
        try:
            yield
        finally:
            otel_context.detach(token)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | float | bool]) -> Iterator[None]:
        """A span around the block; an exception marks it failed."""
        with self._tracer.start_as_current_span(name, attributes=dict(attributes)):
            yield

    async def shutdown(self, seconds: float) -> bool:
        """Flush and close on a daemon thread, so that nothing, not even the interpreter's exit, hangs on it."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                return  # the loop has closed: nobody waits any more

        threading.Thread(target=close, name="traces-shutdown", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            return False
        return True
