"""Changes who comes with a booking and what they answered."""

from booking_service.domain.booking import Booking
from booking_service.domain.commands import AttendeeAt, ChangeDetails
from booking_service.domain.ports import Desk
from booking_service.domain.questions import Answer
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.repository import Cause


async def change_details(
    desk: Desk,
    *,
    name: str,
    answers: tuple[Answer, ...] | None,
    attendees: tuple[AttendeeAt, ...],
    by_organizer: bool,
    etag: str,
    cause: Cause,
) -> Booking:
    """The booking as it is then; refusals as `ChangeDetails`."""
    command = ChangeDetails(event_of(name), name, answers, attendees, by_organizer, etag)
    return await ask(desk, command, cause, Booking)
