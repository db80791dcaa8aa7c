"""Spans recorded with the OpenTelemetry SDK and exported over OTLP/gRPC; imported only when an endpoint is set."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import aio_server_interceptor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry import traceparent
from telemetry.tracing import Kind, Span, Value

EXPORT_TIMEOUT_SECONDS = 5


class OtlpTraces:
    """One tracer provider of its own; the library's process-wide one is left alone."""

    def __init__(self, service: str, endpoint: str, ratio: float, processor: SpanProcessor | None = None) -> None:
        self.ratio = ratio
        # The provider's own exit hook waits for a collector that may be gone; `shutdown` is bounded instead.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # spans are made of recorded traces only
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

    def server_interceptor(self) -> Any:
        """See Tracing.server_interceptor."""
        return aio_server_interceptor(tracer_provider=self._provider)  # type: ignore[no-untyped-call]

    def in_own_span(self) -> bool:
        """Whether a span of this process is open and recorded."""
        current = trace.get_current_span().get_span_context()
        return current.is_valid and not current.is_remote

    def named(self, name: str) -> Span:
        """The open span; OpenTelemetry's conventions have no slash before the service, its interceptor has."""
        current = trace.get_current_span()
        current.update_name(name)
        return _Recorded(current)

    def in_recorded_trace(self) -> bool:
        """Whether a span would have a parent that is recorded, here or where the call came from."""
        return trace.get_current_span().get_span_context().is_valid

    def current_traceparent(self) -> str:
        """Of the current span; empty outside any."""
        return self._header_of(None) if self.in_recorded_trace() else ""

    def is_concerned(self, header: str) -> bool:
        """Whether `continue_from` would do anything at all."""
        return traceparent.is_sampled(header) or self.in_recorded_trace()

    @contextmanager
    def continue_from(self, header: str) -> Iterator[None]:
        """Make the sender's span the parent, if it is recorded, unless a span of this process is open."""
        current = trace.get_current_span().get_span_context()
        if current.is_valid and not current.is_remote:
            yield
            return
        token = otel_context.attach(self._extracted(header) if traceparent.is_sampled(header) else Context())
        try:
            yield
        finally:
            otel_context.detach(token)

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """See telemetry.span."""
        tells_itself = kind == "server"
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind[kind.upper()],
            attributes=dict(attributes),
            record_exception=False,  # its text may hold personal data; the log has it
            set_status_on_exception=False,
        ) as one:
            recorded = _Recorded(one)
            try:
                yield recorded
            except Exception as error:
                if not tells_itself:
                    recorded.failed(type(error).__name__)
                raise

    @contextmanager
    def sending(self, name: str, headers: Sequence[str], attributes: Mapping[str, Value]) -> Iterator[Sequence[str]]:
        """See telemetry.sending."""
        spans, sent = list[trace.Span](), list[str]()
        for header in headers:
            if not traceparent.is_sampled(header):
                sent.append(header)
                continue
            one = self._tracer.start_span(
                name, self._extracted(header), SpanKind.PRODUCER, attributes=dict(attributes)
            )  # fmt: skip
            spans.append(one)
            sent.append(self._header_of(trace.set_span_in_context(one, Context())))
        try:
            yield sent
        except Exception as error:
            for each in spans:
                each.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            for each in spans:
                each.end()

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

    def _extracted(self, header: str) -> Context:
        return self._propagator.extract({"traceparent": header}, Context())

    def _header_of(self, context: Context | None) -> str:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context)
        return carrier.get("traceparent", "")


class _Recorded:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def failed(self, why: str) -> None:
        self._span.set_status(StatusCode.ERROR, why)
