"""Makes, changes and removes lists of whom to admit."""

from collections.abc import Callable

from booking_service.domain.check_in_list import CheckInList, ListRules
from booking_service.domain.commands import ChangeCheckInList, CreateCheckInList, DeleteCheckInList
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.ids import new_id
from domain_kit.repository import Cause


async def create_check_in_list(desk: Desk, *, event: str, rules: ListRules, cause: Cause) -> CheckInList:
    """The new list; refusals as `CreateCheckInList`."""
    command = CreateCheckInList(event, f"{event}/checkInLists/{new_id()}", rules)
    return await ask(desk, command, cause, CheckInList)


async def change_check_in_list(
    desk: Desk, *, name: str, revise: Callable[[CheckInList], ListRules], etag: str, cause: Cause
) -> CheckInList:
    """The list with other rules; refusals as `ChangeCheckInList`."""
    return await ask(desk, ChangeCheckInList(event_of(name), name, revise, etag), cause, CheckInList)


async def delete_check_in_list(desk: Desk, *, name: str, etag: str, cause: Cause) -> None:
    """It is there no more; refusals as `DeleteCheckInList`."""
    await desk.submit(DeleteCheckInList(event_of(name), name, etag), cause)
