"""Takes an entry off its waiting list, or puts it before others."""

from booking_service.domain.commands import LeaveWaitingList, SetWaitingPriority
from booking_service.domain.ports import Desk
from booking_service.domain.waiting_entry import WaitingEntry
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.repository import Cause


async def leave_waiting_list(desk: Desk, *, name: str, etag: str, cause: Cause) -> WaitingEntry:
    """The entry off the list; refusals as `LeaveWaitingList`."""
    return await ask(desk, LeaveWaitingList(event_of(name), name, etag), cause, WaitingEntry)


async def prioritize_entry(desk: Desk, *, name: str, priority: int, etag: str, cause: Cause) -> WaitingEntry:
    """The entry with its new priority; refusals as `SetWaitingPriority`."""
    return await ask(desk, SetWaitingPriority(event_of(name), name, etag, priority), cause, WaitingEntry)
