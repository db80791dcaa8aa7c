"""What a booking remembers of its changes when there are very many."""

from datetime import UTC, datetime, timedelta

import pytest

from booking_service.domain.history import MOST_PASSING, MOST_SCANS, Change, extended
from booking_service.domain.states import BookingState

ADA, OLGA = "users/ada", "users/olga"
BEGIN = datetime(2030, 5, 1, tzinfo=UTC)


def after(history: tuple[Change, ...], *actions: str, actor: str = ADA, state: str = "CONFIRMED") -> tuple[Change, ...]:
    for action in actions:
        change = Change(BEGIN + timedelta(seconds=len(history)), actor, action, BookingState[state])
        history = extended(history, change)
    return history


def actions(history: tuple[Change, ...]) -> list[str]:
    return [each.action for each in history]


STORY = ("BookingApprovalRequested", "BookingApproved", "BookingConfirmed", "TicketTransferred", "BookingChanged")


def test_scans_push_out_only_older_scans() -> None:
    history = after((), *STORY, *["TicketCheckedIn", "TicketCheckedOut"] * 200, "CheckInUndone", "BookingCompleted")
    assert actions(history)[:5] == list(STORY)
    assert len(history) == len(STORY) + MOST_SCANS + 1
    assert actions(history)[-2:] == ["CheckInUndone", "BookingCompleted"]


def test_one_actors_changes_of_details_in_a_row_are_one_entry_of_the_last() -> None:
    history = after((), *STORY, *["BookingDetailsChanged"] * 300)
    assert actions(history) == [*STORY, "BookingDetailsChanged"]
    later = extended(history, Change(BEGIN + timedelta(days=1), ADA, "BookingDetailsChanged", BookingState.CHECKED_IN))
    assert (len(later), later[-1].time, later[-1].state) == (6, BEGIN + timedelta(days=1), BookingState.CHECKED_IN)
    both = after(history, "BookingDetailsChanged", actor=OLGA)
    assert [(each.action, each.actor) for each in both[-2:]] == [
        ("BookingDetailsChanged", ADA),
        ("BookingDetailsChanged", OLGA),
    ]


@pytest.mark.parametrize(
    ("endless", "state"),
    [
        (("BookingDetailsChanged", "TicketsOffered"), "CONFIRMED"),
        (("BookingChangeHeld", "BookingChangeExpired"), "CONFIRMED"),
        (("BookingChanged",), "HELD"),
        (("PaymentUnclaimed",), "CANCELLED"),
    ],
)
def test_what_can_be_repeated_without_end_pushes_out_only_itself(endless: tuple[str, ...], state: str) -> None:
    """INVARIANT: the history is bounded and who booked, approved, paid and passed on stays in it."""
    history = after((), *STORY)
    history = after(history, *endless * 150, state=state)
    history = after(history, *["TicketCheckedIn"] * 150)
    assert actions(history)[:5] == list(STORY)
    assert len(history) == len(STORY) + MOST_PASSING + MOST_SCANS


def test_a_history_that_was_stored_with_more_scans_is_cut_by_the_next() -> None:
    scans = tuple(Change(BEGIN, OLGA, "TicketCheckedIn", BookingState.CHECKED_IN) for _ in range(98))
    stored = (*after((), "BookingHeld"), *scans)
    assert len(after(stored, "TicketTransferred")) == 100
    assert actions(after(stored, "TicketCheckedOut")) == [
        "BookingHeld", *["TicketCheckedIn"] * (MOST_SCANS - 1), "TicketCheckedOut"
    ]  # fmt: skip
