"""A collector of traces: OTLP over gRPC, as services and Envoy send it, kept for a test to look at."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """One span; ids in hex, `parent` empty for the first of a trace. failed: its status is an error."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, str]
    failed: bool


class Traces(TraceServiceServicer):
    """What has arrived so far; `endpoint` is where to send it."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.answers = threading.Event()  # cleared: a collector that hangs
        self.answers.set()
        self._spans: list[ReceivedSpan] = []
        self._news = threading.Condition()

    @property
    def spans(self) -> Sequence[ReceivedSpan]:
        """All of them, in the order of their arrival."""
        with self._news:
            return list(self._spans)

    def when(self, found: Callable[[Sequence[ReceivedSpan]], Any], seconds: float = 30.0) -> Any:
        """What `found` makes of the spans once that is something; AssertionError, with the spans, after `seconds`."""
        with self._news:
            if not self._news.wait_for(lambda: found(self._spans), seconds):
                arrived = "\n".join(f"{each.trace} {each.service}: {each.name}" for each in self._spans)
                raise AssertionError(f"not found in:\n{arrived}")
            return found(self._spans)

    def Export(self, request: ExportTraceServiceRequest, context: object) -> ExportTraceServiceResponse:  # noqa: ARG002, N802
        """As OTLP has it."""
        self.answers.wait()
        with self._news:
            for resource in request.resource_spans:
                service = _texts(resource.resource.attributes).get("service.name", "")
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._spans.append(
                            ReceivedSpan(
                                service, span.name, span.kind, span.trace_id.hex(), span.span_id.hex(),
                                span.parent_span_id.hex(), _texts(span.attributes), span.status.code == 2,
                            )
                        )  # fmt: skip
            self._news.notify_all()
        return ExportTraceServiceResponse()


@contextmanager
def trace_collector() -> Iterator[Traces]:
    """One on a free port of this machine."""
    traces = Traces()
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads)
        add_TraceServiceServicer_to_server(traces, server)  # type: ignore[no-untyped-call]
        traces.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield traces
        finally:
            traces.answers.set()
            server.stop(None).wait()


def _texts(attributes: Sequence[KeyValue]) -> Mapping[str, str]:
    return {
        each.key: str(getattr(each.value, each.value.WhichOneof("value") or "string_value")) for each in attributes
    }  # fmt: skip
