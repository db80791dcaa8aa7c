"""Makes, changes and removes lists of whom to admit."""

from collections.abc import Callable

from booking_service.domain.check_in_list import CheckInList, ListRules
from booking_service.domain.check_in_ports import CheckInReader
from booking_service.domain.commands import ChangeCheckInList, CreateCheckInList, DeleteCheckInList
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause

# So that all of them fit on a screen and in a message of WatchCheckIns; two at a time may make it a few more.
MOST_LISTS = 100


async def create_check_in_list(
    desk: Desk, check_ins: CheckInReader, *, event: str, rules: ListRules, cause: Cause
) -> CheckInList:
    """The new list; FailedPrecondition TOO_MANY_LISTS; else as `CreateCheckInList`."""
    if len((await check_ins.lists_of(event, limit=MOST_LISTS)).items) >= MOST_LISTS:
        text = f"An event has at most {MOST_LISTS} check-in lists."
        raise FailedPrecondition("TOO_MANY_LISTS", text, metadata={"most": str(MOST_LISTS)})
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
