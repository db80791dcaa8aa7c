"""Traces reach a collector when there is one, cost nothing when there is none, and never hold up an exit."""

import subprocess
import sys
import time

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import configure_tracing, continue_from, correlation_id, current_traceparent, sending, span
from telemetry.otlp import OtlpTraces
from telemetry.traceparent import NO_TRACE, is_sampled, parse
from testkit.traces import trace_collector

HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector():
    with trace_collector() as collector:
        yield collector


@pytest.fixture
async def recorded(monkeypatch):
    """Gives spans as they end; `ratio` of those that begin here are recorded."""

    def at(ratio):
        exporter = InMemorySpanExporter()
        traces = OtlpTraces("test", "http://unused", ratio, SimpleSpanProcessor(exporter))
        monkeypatch.setattr(configure_tracing("test", None), "_active", traces)
        return exporter.get_finished_spans

    return at


async def test_without_an_endpoint_what_came_in_is_carried_on():
    tracing = configure_tracing("booking", None)
    assert not tracing.enabled
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
    assert (exported.service, exported.name, exported.parent) == ("booking", "apply", parse(HEADER).span_id)
    assert exported.attributes == {"consumer": "booking.payments"}


async def test_what_its_sender_does_not_record_is_not_recorded_and_carried_on_as_it_came(recorded):
    spans, unsampled = recorded(1.0), HEADER.removesuffix("01") + "00"
    with continue_from(unsampled, "c-1"), span("apply"):
        assert current_traceparent() == unsampled
        with sending("send", [unsampled, HEADER, ""]) as sent:
            assert (sent[0], sent[2]) == (unsampled, "")
            assert parse(sent[1]).trace_id == parse(HEADER).trace_id
            assert parse(sent[1]).span_id != parse(HEADER).span_id
    (only,) = spans()
    assert only.name == "send"
    assert format(only.parent.span_id, "016x") == parse(HEADER).span_id


async def test_a_trace_that_is_not_chosen_where_it_begins_is_begun_nowhere_else(recorded):
    spans = recorded(0.0)
    with span("serve", "server"):
        sent = current_traceparent()
        assert not is_sampled(sent)
        assert parse(sent) is not NO_TRACE
        with span("call", "client"):
            assert current_traceparent() == sent
    assert spans() == ()
    assert current_traceparent() == ""


async def test_about_as_many_traces_are_recorded_as_wanted(recorded):
    spans = recorded(0.25)
    for _ in range(2000):
        with span("serve", "server"), span("call", "client"):
            pass
    assert 350 < len(spans()) / 2 < 650  # six standard deviations


async def test_an_exception_marks_work_failed_and_leaves_its_text_out(recorded):
    spans = recorded(1.0)
    with pytest.raises(ValueError, match="ada"), span("work"):
        raise ValueError("ada@example.org")
    with pytest.raises(ValueError, match="ada"), span("serve", "server"):
        raise ValueError("ada@example.org")
    work, served = spans()
    assert (work.status.is_ok, work.status.description) == (False, "ValueError")
    assert served.status.is_unset
    assert (work.events, served.events) == ((), ())


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
