"""Sample events lie ahead whenever they are brought in, on the same weekday and at the same season."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway_config.samples import LEAD, ROUND, ahead

BEGINS, ENDS = datetime(2026, 11, 20, 1, tzinfo=UTC), datetime(2026, 11, 21, 10, tzinfo=UTC)
LINE = {"event": {"title": "Night", "startTime": "2026-11-20T01:00:00Z", "endTime": "2026-11-21T10:00:00Z"}, "id": "a"}


@pytest.mark.parametrize("days", [-700, -100, 0, 100, 364, 365, 366, 5000])
def test_an_event_moves_by_whole_rounds_until_it_is_two_weeks_ahead(days):
    now = BEGINS + timedelta(days=days)
    moved = ahead(LINE, now)["event"]
    begins, ends = (datetime.fromisoformat(moved[name]) for name in ("startTime", "endTime"))
    assert begins >= now + LEAD
    assert (begins - BEGINS) % ROUND == timedelta(0)
    assert begins - ROUND < max(BEGINS, now + LEAD)
    assert ends - begins == ENDS - BEGINS
    assert moved["title"] == "Night"
