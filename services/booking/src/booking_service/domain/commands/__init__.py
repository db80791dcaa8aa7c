"""What can be asked of one event's bookings and of what goes with them: each a pure decision."""

from booking_service.domain.commands.approve import Approve, Reject
from booking_service.domain.commands.change import Change, NoIssuer, TryChange
from booking_service.domain.commands.check_in import CheckIn
from booking_service.domain.commands.close import Close, NoteClosed
from booking_service.domain.commands.command import Command, OnBooking, TicketIssuer
from booking_service.domain.commands.end import Cancel, Expire
from booking_service.domain.commands.hold import Hold
from booking_service.domain.commands.offer import ProjectOffer
from booking_service.domain.commands.settle import ClaimPayment, Confirm

__all__ = [
    "Approve",
    "Cancel",
    "Change",
    "CheckIn",
    "ClaimPayment",
    "Close",
    "Command",
    "Confirm",
    "Expire",
    "Hold",
    "NoIssuer",
    "NoteClosed",
    "OnBooking",
    "ProjectOffer",
    "Reject",
    "TicketIssuer",
    "TryChange",
]
