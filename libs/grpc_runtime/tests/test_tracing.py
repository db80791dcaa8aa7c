"""With tracing on, every kind of rpc works as before and leaves a span."""

import asyncio

import grpc
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from access import SigningKey, StaticKeys
from domain_kit.refusals import NotFound
from grpc_runtime import open_channel
from grpc_runtime.server import Server
from telemetry import Metrics, configure_tracing, span
from telemetry.otlp import OtlpTraces
from testkit.calls import CallSettings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def traced(contract, service, monkeypatch):
    """A stub, and the spans that its calls leave."""
    exporter = InMemorySpanExporter()
    traces = OtlpTraces("test", "http://unused", 1.0, SimpleSpanProcessor(exporter))
    monkeypatch.setattr(configure_tracing("test", None), "_active", traces)
    keys = StaticKeys([SigningKey.generate()])
    server = Server(service, CallSettings(), Metrics("test"), keys, configure_tracing("test", None))
    address = f"127.0.0.1:{await server.start()}"
    async with open_channel(address) as channel:
        yield contract.stub(channel), exporter
    await server.stop(1.0)
    await traces.shutdown(1.0)


def of_kind(exporter, kind):
    return [each for each in exporter.get_finished_spans() if each.kind is kind]


async def served_spans(exporter, count=1):
    """So many; a refusal may be with its caller before the server's span has ended."""
    async with asyncio.timeout(5):
        while len(of_kind(exporter, SpanKind.SERVER)) < count:
            await asyncio.sleep(0.005)
    return of_kind(exporter, SpanKind.SERVER)


async def test_an_rpc_leaves_a_span_below_its_callers(traced, contract):
    stub, exporter = traced
    await stub.PeekJar(contract.Jar(name="jars/a"), metadata=(("traceparent", PARENT),))
    (served,) = await served_spans(exporter)
    assert served.name == "usher.jar.v1.JarService/PeekJar"
    assert format(served.context.trace_id, "032x") == PARENT.split("-")[1]
    assert format(served.parent.span_id, "016x") == PARENT.split("-")[2]


async def test_a_call_is_a_span_between_its_callers_and_its_servers(traced, contract):
    stub, exporter = traced
    with span("work"):
        await stub.PeekJar(contract.Jar(name="jars/a"))
    (served,) = await served_spans(exporter)
    (called,), (work,) = (of_kind(exporter, each) for each in (SpanKind.CLIENT, SpanKind.INTERNAL))
    assert (served.parent.span_id, called.parent.span_id) == (called.context.span_id, work.context.span_id)
    assert served.context.trace_id == work.context.trace_id


async def test_a_refusal_is_the_status_of_its_span(traced, contract, jars):
    async def refuse(request, context):
        raise NotFound.named("jars/a")

    jars.behaviour = refuse
    stub, exporter = traced
    with pytest.raises(NotFound):
        await stub.PeekJar(contract.Jar(name="jars/a"))
    (served,) = await served_spans(exporter)
    assert served.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert served.status.is_unset, "an answer is no failure of who gives it"


async def test_a_stream_is_traced_whole_in_order_and_to_its_refusal(traced, contract, jars):
    stub, exporter = traced
    answers = [each.grams async for each in stub.PourJar(contract.Jar(name="jars/a", grams=20))]
    assert answers == [20] * 20
    asked = []

    async def third_fails(request, context):
        asked.append(request)
        if len(asked) == 3:
            raise NotFound.named("jars/a")
        return request

    jars.behaviour = third_fails
    seen = []
    with pytest.raises(NotFound):
        async for each in stub.PourJar(contract.Jar(name="jars/a", grams=20)):
            seen.append(each)
    assert len(seen) == 2
    assert len(await served_spans(exporter, 2)) == 2


async def test_a_traced_stream_that_nobody_reads_any_more_ends_quietly(traced, contract, caplog):
    stub, _ = traced
    stream = stub.PourJar(contract.Jar(name="jars/a", grams=1000))
    async for _each in stream:
        break
    await stream.aclose()
    await stub.PeekJar(contract.Jar(name="jars/a"))
    assert caplog.records == []


async def test_an_rpc_that_its_caller_does_not_record_leaves_no_span(traced, contract):
    stub, exporter = traced
    await stub.PeekJar(contract.Jar(name="jars/a"), metadata=(("traceparent", PARENT[:-1] + "0"),))
    assert of_kind(exporter, SpanKind.SERVER) == []


async def test_whether_a_trace_begins_with_an_rpc_is_asked_once(traced, contract, monkeypatch):
    stub, exporter = traced
    asked = []
    monkeypatch.setattr("telemetry.tracing.random.random", lambda: asked.append(1) or 1.0)
    await stub.PeekJar(contract.Jar(name="jars/a"), metadata=(("traceparent", ""),))
    assert (len(asked), exporter.get_finished_spans()) == (2, ()), "by who calls, for its own part, and by who serves"
