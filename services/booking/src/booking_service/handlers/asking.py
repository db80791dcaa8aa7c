"""Asks the desk for something and gets what it is."""

from booking_service.domain.commands import Command
from booking_service.domain.ports import Desk
from booking_service.domain.records import R
from domain_kit.repository import Cause


async def ask(desk: Desk, command: Command, cause: Cause, kind: type[R]) -> R:
    """The record that the command answers; refusals as the command's `decide` and `Desk.submit`."""
    answer = await desk.submit(command, cause)
    if not isinstance(answer, kind):
        raise TypeError(f"{type(command).__name__} answered {type(answer).__name__}")
    return answer
