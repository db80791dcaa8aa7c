"""A trace begins at the gateway, which alone decides whether it is kept."""

from contextlib import contextmanager

import httpx
import pytest

from gateway_config import with_traces
from testkit.traces import trace_collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
FORGED = {
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    "x-client-trace-id": "1",
    "x-envoy-force-trace": "1",
    "x-b3-sampled": "1",
}


@pytest.fixture
def traced(start_gateway_once, tmp_path):
    """A gateway that traces a share of all requests, and what arrives at its collector."""

    @contextmanager
    def at(ratio):
        with (
            trace_collector() as traces,
            start_gateway_once(tmp_path, add=lambda text: with_traces(text, traces.endpoint, ratio)) as gateway,
        ):
            yield gateway, traces

    return at


def test_a_traced_request_is_continued_by_the_service_and_tells_its_id_and_no_query(traced):
    with traced(1.0) as (gateway, traces):
        answer = httpx.get(f"{gateway.url}/v1/events:search", params={"query": "ada@example.org"}, headers=FORGED)
        asked = answer.headers["x-request-id"]
        (call,) = gateway.services.calls
        (span,) = traces.when(lambda all_: [each for each in all_ if each.attributes.get("guid:x-request-id") == asked])
    assert call.metadata["traceparent"] == f"00-{span.trace}-{span.id}-01"
    assert (span.service, span.parent) == ("gateway", "")
    assert span.trace != TRACE
    assert span.attributes["http.url"] == "/v1/events:search"
    assert [value for value in span.attributes.values() if "ada" in value] == []


def test_a_stranger_cannot_have_a_request_traced(traced):
    """INVARIANT: what is recorded, and so what it costs, is for us to say."""
    with traced(0.0) as (gateway, traces):
        for _ in range(20):
            httpx.get(f"{gateway.url}/v1/events/x", headers=FORGED)
        sent = {call.metadata["traceparent"] for call in gateway.services.calls}
    assert {header[-3:] for header in sent} == {"-00"}, "services are told that it is not recorded"
    assert TRACE not in {header.split("-")[1] for header in sent}
    assert traces.spans == []


def test_an_endpoint_the_gateway_cannot_speak_to_is_refused():
    with pytest.raises(ValueError, match="http://host:port"):
        with_traces("{}", "https://collector:4317", 1.0)
