"""Confirms a booking that costs nothing, calls one off, changes its tickets, agrees to it or does not."""

from dataclasses import replace

from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    Approve,
    Cancel,
    Change,
    Confirm,
    NoIssuer,
    Reject,
    TicketIssuer,
    TryChange,
    WithdrawChange,
)
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from booking_service.handlers.create_booking import check_wanted
from domain_kit.repository import Cause


async def confirm_booking(desk: Desk, issuer: TicketIssuer, *, name: str, etag: str, cause: Cause) -> Booking:
    """The booking with its tickets; refusals as `Confirm`."""
    return await ask(desk, Confirm(event_of(name), name, issuer, etag), cause, Booking)


async def cancel_booking(
    desk: Desk, *, name: str, reason: str, etag: str, basis_points: int | None = None, cause: Cause
) -> Booking:
    """The booking without its places; refusals as `Cancel`. basis_points: of what was paid; None: by the terms."""
    return await ask(desk, Cancel(event_of(name), name, reason, etag, basis_points), cause, Booking)


async def change_booking(desk: Desk, change: Change, *, trial: bool, cause: Cause) -> Booking:
    """The booking with other tickets, or only as it would be; refusals as `Change`.

    InvalidArgument for what no event could sell.
    """
    if change.add:
        check_wanted(change.event, change.add, path="add_lines")
    return await ask(desk, TryChange(replace(change, issuer=NoIssuer())) if trial else change, cause, Booking)


async def withdraw_change(desk: Desk, *, name: str, reason: str, etag: str, cause: Cause) -> Booking:
    """The booking as it was before the change; refusals as `WithdrawChange`."""
    return await ask(desk, WithdrawChange(event_of(name), name, reason, etag), cause, Booking)


async def approve_booking(desk: Desk, issuer: TicketIssuer, *, name: str, etag: str, cause: Cause) -> Booking:
    """The booking, held or confirmed; refusals as `Approve`."""
    return await ask(desk, Approve(event_of(name), name, issuer, etag), cause, Booking)


async def reject_booking(desk: Desk, *, name: str, reason: str, etag: str, cause: Cause) -> Booking:
    """The booking, cancelled; refusals as `Reject`."""
    return await ask(desk, Reject(event_of(name), name, reason, etag), cause, Booking)


def event_of(name: str) -> str:
    """`events/{event}` of anything below it."""
    return "/".join(name.split("/", 2)[:2])
