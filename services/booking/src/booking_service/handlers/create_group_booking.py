"""Books for somebody else, in the name of the organizer."""

from collections.abc import Sequence
from datetime import timedelta

from booking_service.domain.answers import is_email
from booking_service.domain.booking import Booking
from booking_service.domain.commands import BookGroup, TicketIssuer
from booking_service.domain.contacts import Contact
from booking_service.domain.ports import Desk
from booking_service.domain.questions import Answer
from booking_service.domain.selling import Wanted
from booking_service.handlers.asking import ask
from booking_service.handlers.create_booking import check_wanted
from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument
from domain_kit.repository import Cause

MOST_TICKETS = 1_000


async def create_group_booking(
    desk: Desk,
    issuer: TicketIssuer,
    *,
    event: str,
    buyer: str,
    contact: Contact,
    wanted: Sequence[Wanted],
    answers: tuple[Answer, ...],
    complimentary: bool,
    currency: str = "",
    hold_for: timedelta,
    reason: str,
    cause: Cause,
) -> Booking:
    """The new booking, CONFIRMED or HELD. InvalidArgument for what no event could have; else as `BookGroup`.

    buyer: a user's name, or "" for a contact.
    """
    check_wanted(event, wanted, MOST_TICKETS, "lines")
    if sum(each.quantity for each in wanted) > MOST_TICKETS:
        raise InvalidArgument.of("lines", f"must have at most {MOST_TICKETS} tickets in all.")
    if not buyer and not is_email(contact.email):
        raise InvalidArgument.of("contact.email", "must be a mail address.")
    if complimentary and not reason.strip():
        raise InvalidArgument.of("reason", "is required for what is free of charge.")
    if not complimentary and not buyer:
        raise InvalidArgument.of("contact", "could not pay an invoice; it needs a user.")
    name = f"{event}/bookings/{new_id()}"
    command = BookGroup(
        event, name, buyer, contact, tuple(wanted), issuer, reason, complimentary, hold_for, answers, currency
    )  # fmt: skip
    return await ask(desk, command, cause, Booking)
