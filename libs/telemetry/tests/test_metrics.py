"""What a scrape reads after things happened."""

import urllib.request
from dataclasses import dataclass

from google.protobuf.wrappers_pb2 import StringValue

from telemetry import Metrics, counter


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_rpcs_are_counted_by_outcome_and_timed():
    metrics = Metrics("booking")
    metrics.rpcs.started()
    metrics.rpcs.started()
    metrics.rpcs.ended(metrics.rpcs.of("BookingService/Hold"), "OK", 0.004)
    metrics.rpcs.ended(metrics.rpcs.of("BookingService/Hold"), "ABORTED", 0.004)
    metrics.rpcs.started()
    metrics.refusals.refused("BookingService/Hold", "SOLD_OUT")
    assert value(metrics, "usher_rpc_server_in_flight") == 1
    assert value(metrics, "usher_rpc_server_handled_total", method="BookingService/Hold", code="OK") == 1
    assert value(metrics, "usher_rpc_server_handled_total", method="BookingService/Hold", code="ABORTED") == 1
    assert value(metrics, "usher_rpc_server_refusals_total", method="BookingService/Hold", reason="SOLD_OUT") == 1
    assert value(metrics, "usher_rpc_server_seconds_sum", method="BookingService/Hold") == 0.008


def test_a_breaker_is_in_one_state_at_a_time():
    calls = (metrics := Metrics("payment")).calls
    for state in ("closed", "open", "half-open"):
        calls.breaker_changed("stripe", state)
    states = {s: value(metrics, "usher_breaker_state", dependency="stripe", state=s) for s in calls.STATES}
    assert states == {"closed": 0, "half-open": 1, "open": 0}


def test_calls_and_bulkheads_are_counted_by_dependency():
    calls = (metrics := Metrics("payment")).calls
    calls.attempted("stripe", "timed_out", 2.0)
    metrics.bulkheads.bulkhead_used("stripe", 3, 1)
    metrics.bulkheads.bulkhead_refused("stripe")
    assert value(metrics, "usher_call_attempts_total", dependency="stripe", outcome="timed_out") == 1
    assert value(metrics, "usher_bulkhead_in_use", dependency="stripe") == 3
    assert value(metrics, "usher_bulkhead_waiting", dependency="stripe") == 1
    assert value(metrics, "usher_bulkhead_refused_total", dependency="stripe") == 1


def test_the_way_of_a_domain_event_is_measured_from_commit_to_consumer():
    metrics = Metrics("booking")
    metrics.store.committed(12, 0.01)
    metrics.store.retried("split")
    metrics.store.refused("conflict")
    metrics.relay.leads("usher.booking.v1", True)
    metrics.relay.published("usher.booking.v1", 12, 0.2)
    metrics.relay.failed("usher.booking.v1")
    metrics.relay.refilled("usher.booking.v1", 4)
    metrics.relay.outbox_age(1.5)
    metrics.consumers.handled("booking.payments", "usher.payment.v1.PaymentSucceeded", "applied", 0.01)
    metrics.consumers.delayed("booking.payments", -0.1)
    metrics.consumers.dead_lettered("booking.payments", "failed")
    metrics.consumers.lag("booking.payments", 7)
    metrics.consumers.parked("booking.payments", waiting=1, dead=2)
    metrics.consumers.rebuilt("booking.payments")
    metrics.health("mongodb", True)
    assert value(metrics, "usher_store_commit_commands_sum") == 12
    assert value(metrics, "usher_store_retries_total", kind="split") == 1
    assert value(metrics, "usher_store_refusals_total", kind="conflict") == 1
    assert value(metrics, "usher_relay_published_total", topic="usher.booking.v1") == 12
    assert value(metrics, "usher_outbox_oldest_pending_seconds") == 1.5
    assert value(metrics, "usher_relay_delay_seconds_sum") == 0.2
    assert value(metrics, "usher_consumer_delay_seconds_sum", consumer="booking.payments") == 0
    assert value(metrics, "usher_dead_letters_total", consumer="booking.payments", kind="failed") == 1
    assert value(metrics, "usher_consumer_lag", consumer="booking.payments") == 7
    assert value(metrics, "usher_consumer_parked", consumer="booking.payments", kind="dead") == 2
    assert value(metrics, "usher_health_check", check="mongodb") == 1


def test_a_scrape_answers_with_memory_and_service_and_two_registries_do_not_mix():
    metrics, other = Metrics("booking"), Metrics("payment")
    other.bulkheads.bulkhead_refused("stripe")
    server = metrics.serve(0, "127.0.0.1")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        text = answer.read().decode()
    server.close()
    assert 'usher_service_info{service="booking"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert "usher_bulkhead_refused_total{" not in text


def test_a_process_shows_only_what_it_does():
    metrics = Metrics("event")
    assert b"usher_relay" not in metrics.text()
    metrics.relay.leads("usher.event.v1", True)
    assert b"usher_relay_leads" in metrics.text()
    assert b"usher_consumer" not in metrics.text()


@dataclass
class Happened:
    type: str
    payload: bytes = b""


def test_domain_events_are_counted_by_type_and_as_what_a_service_says_they_are():
    metrics, read = Metrics("booking"), []
    metrics.committed([Happened("usher.booking.v1.BookingHeld")])
    bookings = counter("bookings", "Bookings.", {"outcome": "`held`"})
    metrics.domain_events.outcomes({bookings: {"text": StringValue}})
    metrics.domain_events.read("google.protobuf.StringValue", read.append)
    metrics.committed([Happened("google.protobuf.StringValue", b"1"), Happened("other"), Happened("other")])
    assert value(metrics, "usher_domain_events_total", type="other") == 2
    assert value(metrics, "usher_domain_events_total", type="google.protobuf.StringValue") == 1
    assert value(metrics, "usher_bookings_total", outcome="text") == 1
    assert read == [b"1"]
