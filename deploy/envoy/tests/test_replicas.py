"""Calls about one event go to one replica of booking, whichever way they come."""

from urllib.parse import quote

import grpc
import httpx
import pytest

from gateway_config import TEMPLATE, render_gateway, replicated
from usher.booking.v1 import booking_service_pb2, booking_service_pb2_grpc

EVENTS = [f"events/{number:026d}" for number in range(40)]


@pytest.fixture(scope="module")
def two(tmp_path_factory, start_gateway_once, other_services):
    """A gateway before two replicas, and what the second one was asked."""
    with (
        other_services() as (port, services),
        start_gateway_once(
            tmp_path_factory.mktemp("two"),
            template=replicated(TEMPLATE.read_text(), "booking", 2),
            BOOKING_2_HOST="127.0.0.1",
            BOOKING_2_PORT=str(port),
        ) as gateway,
    ):
        yield gateway, services


def asked(services):
    """How often which event was asked for."""
    names = ["/".join(call.request.name.split("/")[:2]) for call in services.calls]
    return {name: names.count(name) for name in names}


def test_json_and_grpc_calls_about_an_event_meet_at_one_replica_and_events_are_shared_out(two):
    gateway, second = two
    tickets = [f"{event}/bookings/{number}/tickets/1" for event in EVENTS for number in range(3)]
    with httpx.Client(base_url=gateway.url) as client:
        for name in tickets:
            assert client.get(f"/v1/{name}:qrCode").status_code == 200
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        stub = booking_service_pb2_grpc.BookingServiceStub(channel)
        for number, name in enumerate(tickets):
            told = quote(name, safe="/" if number % 2 else "")
            request = booking_service_pb2.GetTicketQrCodeRequest(name=name)
            stub.GetTicketQrCode(request, metadata=[("x-goog-request-params", f"name={told}")])
    here, there = asked(gateway.services), asked(second)
    assert sorted([*here, *there]) == EVENTS
    assert set(here.values()) | set(there.values()) == {6}
    assert min(len(here), len(there)) > 5


def test_a_template_without_the_endpoint_is_refused():
    with pytest.raises(ValueError, match="no single endpoint of booking"):
        replicated("a: b", "booking", 2)


def test_one_replica_leaves_the_template_as_it_is():
    text = TEMPLATE.read_text()
    assert replicated(text, "booking", 1) == text
    endpoint = '{endpoint: {address: {socket_address: {address: "@USER_HOST@", port_value: @USER_PORT@}}}}'
    values = {"USER_HOST": "a", "USER_PORT": "1", "USER_2_HOST": "b", "USER_2_PORT": "2"}
    twice = render_gateway(f"[{replicated(endpoint, 'user', 2)}]", values)
    assert twice.count("endpoint:") == 2
    assert 'address: "b", port_value: 2' in twice
