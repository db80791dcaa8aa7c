"""What a scrape reads after things happened."""

import urllib.request

from telemetry import Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_rpcs_are_counted_by_outcome_and_timed():
    metrics = Metrics("booking")
    metrics.rpcs.started()
    metrics.rpcs.started()
    metrics.rpcs.ended("BookingService/Hold", "OK", 0.004)
    assert value(metrics, "usher_rpc_server_in_flight") == 1
    assert value(metrics, "usher_rpc_server_handled_total", method="BookingService/Hold", code="OK") == 1
    assert value(metrics, "usher_rpc_server_seconds_sum", method="BookingService/Hold") == 0.004


def test_a_breaker_is_in_one_state_at_a_time():
    calls = (metrics := Metrics("payment")).calls
    for state in ("closed", "open", "half-open"):
        calls.breaker_changed("stripe", state)
    states = {s: value(metrics, "usher_breaker_state", dependency="stripe", state=s) for s in calls.STATES}
    assert states == {"closed": 0, "half-open": 1, "open": 0}


def test_calls_and_bulkheads_are_counted_by_dependency():
    calls = (metrics := Metrics("payment")).calls
    calls.attempted("stripe", "timed_out", 2.0)
    calls.bulkhead_used("stripe", 3, 1)
    calls.bulkhead_refused("stripe")
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
    metrics.relay.published("usher.booking.v1", 12)
    metrics.relay.failed("usher.booking.v1")
    metrics.relay.refilled("usher.booking.v1", 4)
    metrics.relay.outbox_age(1.5)
    metrics.consumers.handled("booking.payments", "usher.payment.v1.PaymentSucceeded", "applied", 0.01)
    metrics.consumers.lag("booking.payments", 7)
    metrics.consumers.parked("booking.payments", waiting=1, dead=2)
    metrics.consumers.rebuilt("booking.payments")
    metrics.health("mongodb", True)
    assert value(metrics, "usher_store_commit_commands_sum") == 12
    assert value(metrics, "usher_store_retries_total", kind="split") == 1
    assert value(metrics, "usher_store_refusals_total", kind="conflict") == 1
    assert value(metrics, "usher_relay_published_total", topic="usher.booking.v1") == 12
    assert value(metrics, "usher_outbox_oldest_pending_seconds") == 1.5
    assert value(metrics, "usher_consumer_lag", consumer="booking.payments") == 7
    assert value(metrics, "usher_consumer_parked", consumer="booking.payments", kind="dead") == 2
    assert value(metrics, "usher_health_check", check="mongodb") == 1


def test_a_scrape_answers_with_memory_and_service_and_two_registries_do_not_mix():
    metrics, other = Metrics("booking"), Metrics("payment")
    other.calls.bulkhead_refused("stripe")
    server = metrics.serve(0, "127.0.0.1")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        text = answer.read().decode()
    server.close()
    assert 'usher_service_info{service="booking"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert "usher_bulkhead_refused_total{" not in text
