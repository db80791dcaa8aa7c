"""Messages are counted by template and outcome, with the time until they were taken."""

from datetime import UTC, datetime, timedelta

from domain_kit.backbone import EncodedEvent
from notification_service.metrics import count_business, queue_figures
from telemetry import Metrics
from usher.notification.v1 import domain_events_pb2 as pb
from usher.notification.v1 import notification_pb2


def test_messages_are_counted_by_template_and_outcome_and_timed_to_their_delivery():
    count_business(metrics := Metrics("notification"))
    message = notification_pb2.Notification(template="booking_confirmed")
    message.create_time.FromDatetime(datetime(2026, 3, 1, tzinfo=UTC))
    message.deliver_time.FromDatetime(datetime(2026, 3, 1, 0, 0, 2, tzinfo=UTC))
    for event in (pb.NotificationQueued(notification=message), pb.NotificationDelivered(notification=message)):
        metrics.committed([EncodedEvent(event.DESCRIPTOR.full_name, event.SerializeToString())])
    value = metrics.registry.get_sample_value
    labels = {"template": "booking_confirmed", "outcome": "delivered"}
    assert value("usher_notifications_total", labels) == 1
    assert value("usher_notifications_total", {**labels, "outcome": "queued"}) == 1
    assert value("usher_notification_delivery_seconds_sum") == 2


def test_the_queue_tells_its_length_and_the_age_of_its_oldest():
    told = queue_figures(metrics := Metrics("notification"))
    told(7, timedelta(minutes=2))
    assert metrics.registry.get_sample_value("usher_notifications_waiting") == 7
    assert metrics.registry.get_sample_value("usher_notifications_oldest_waiting_seconds") == 120
