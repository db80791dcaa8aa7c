"""Traces reach a collector when there is one, cost nothing when there is none, and never hold up an exit."""

import asyncio
import subprocess
import sys
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from telemetry import configure_tracing, continue_from, correlation_id, current_traceparent, span
from telemetry.traceparent import parse

HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(TraceServiceServicer):
    def __init__(self) -> None:
        self.spans = []
        self.services = set()
        self.answers = asyncio.Event()
        self.answers.set()

    async def Export(self, request, context):
        await self.answers.wait()
        for resource in request.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [each for scope in resource.scope_spans for each in scope.spans]
        return ExportTraceServiceResponse()


@pytest.fixture
async def collector():
    server, collector = grpc.aio.server(), Collector()
    add_TraceServiceServicer_to_server(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield collector
    await server.stop(None)


async def test_without_an_endpoint_what_came_in_is_carried_on():
    tracing = configure_tracing("booking", None)
    assert not tracing.enabled
    assert tracing.server_interceptors() == tracing.client_interceptors() == ()
    with continue_from(HEADER, "c-1"), span("apply"):
        assert (current_traceparent(), correlation_id()) == (HEADER, "c-1")
        with continue_from("garbage", "c-2"):
            assert (current_traceparent(), correlation_id()) == ("", "c-2")
    assert (current_traceparent(), correlation_id()) == ("", "")
    assert await tracing.shutdown()


async def test_spans_continue_the_senders_trace_and_reach_the_collector_at_shutdown(collector):
    tracing = configure_tracing("booking", collector.endpoint)
    with continue_from(HEADER, "c-1"), span("apply", consumer="booking.payments"):
        ids = parse(current_traceparent())
        assert ids.trace_id == parse(HEADER).trace_id
        assert ids.span_id != parse(HEADER).span_id
        with continue_from(HEADER, "c-1"):
            assert parse(current_traceparent()) == ids
    assert await tracing.shutdown()
    assert not tracing.enabled
    (exported,) = collector.spans
    assert (exported.name, exported.parent_span_id.hex()) == ("apply", parse(HEADER).span_id)
    assert collector.services == {"booking"}


async def test_an_rpc_is_one_trace_from_client_to_server_and_health_checks_are_left_out(collector):
    tracing = configure_tracing("booking", collector.endpoint)
    seen = []

    class Watched(HealthServicer):
        async def Check(self, request, context):
            seen.append(current_traceparent())
            return health_pb2.HealthCheckResponse()

    server = grpc.aio.server(interceptors=tracing.server_interceptors())
    health_pb2_grpc.add_HealthServicer_to_server(Watched(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", interceptors=tracing.client_interceptors()) as channel:
        with span("ask"):
            asked = parse(current_traceparent())
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    await server.stop(None)
    await tracing.shutdown()
    assert seen == [""]
    assert {each.trace_id.hex() for each in collector.spans} == {asked.trace_id}
    assert len(collector.spans) == 2


async def test_a_collector_that_hangs_does_not_hold_up_shutdown(collector):
    collector.answers.clear()
    tracing = configure_tracing("booking", collector.endpoint)
    with span("apply"):
        pass
    started = time.monotonic()
    assert not await tracing.shutdown(0.2)
    assert time.monotonic() - started < 2
    collector.answers.set()


def test_importing_telemetry_imports_nothing_of_opentelemetry_or_grpc():
    code = "import sys, telemetry; print([m for m in sys.modules if m.split('.')[0] in ('opentelemetry', 'grpc')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
