"""Puts somebody on the waiting list of an event."""

from booking_service.domain.commands import JoinWaitingList
from booking_service.domain.ports import Desk
from booking_service.domain.waiting_entry import WaitingEntry
from booking_service.handlers.asking import ask
from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument
from domain_kit.repository import Cause


async def join_waiting_list(
    desk: Desk,
    *,
    event: str,
    user: str,
    ticket_type: str,
    date: str,
    quantity: int,
    currency: str = "",
    cause: Cause,
) -> WaitingEntry:
    """The new entry. InvalidArgument for a type of another event or no quantity; else as `JoinWaitingList`."""
    if not ticket_type.startswith(f"{event}/ticketTypes/"):
        raise InvalidArgument.of("waiting_list_entry.ticket_type", f"must be a ticket type of {event}.")
    if quantity < 1:
        raise InvalidArgument.of("waiting_list_entry.quantity", "must be at least 1.")
    name = f"{event}/waitingListEntries/{new_id()}"
    command = JoinWaitingList(event, name, user, ticket_type, date, quantity, currency)
    return await ask(desk, command, cause, WaitingEntry)
