"""A notification is sent once or given up once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_kit.refusals import FailedPrecondition
from notification_service.domain import domain_events as facts
from notification_service.domain.letter import Letter
from notification_service.domain.notification import LIFE, State, queued

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_a_cause_names_its_notification() -> None:
    notification, made = queued("users/u", "a@b.c", "cause", "users/u", Letter("x", "en"), NOW)
    assert (notification.name, notification.state, made) == (
        "users/u/notifications/cause",
        State.QUEUED,
        [facts.NotificationQueued()],
    )


def test_delivering_twice_makes_one_domain_event_and_giving_up_afterwards_is_refused() -> None:
    notification, _ = queued("users/u", "a@b.c", "cause", "users/u", Letter("x", "en"), NOW)
    delivered, made = notification.delivered(2, NOW)
    assert (delivered.attempts, made) == (2, [facts.NotificationDelivered()])
    assert delivered.delivered(3, NOW) == (delivered, [])
    with pytest.raises(FailedPrecondition, match="NOTIFICATION_DELIVERED"):
        delivered.given_up(3, "SMTP 550")


def test_the_diagram_is_the_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert LIFE.diagram() in readme
