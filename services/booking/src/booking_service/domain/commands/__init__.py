"""What can be asked of one event's bookings and of what goes with them: each a pure decision."""

from booking_service.domain.commands.check_in import CheckIn
from booking_service.domain.commands.command import Command, OnBooking, TicketIssuer
from booking_service.domain.commands.end import Cancel, Expire
from booking_service.domain.commands.hold import Hold
from booking_service.domain.commands.offer import ProjectOffer
from booking_service.domain.commands.settle import ClaimPayment, Confirm
from booking_service.domain.commands.waiting import JoinWaitingList, LeaveWaitingList, SetWaitingPriority
from booking_service.domain.commands.waiting_offers import LapseEntries, OfferPlaces

__all__ = [
    "Cancel",
    "CheckIn",
    "ClaimPayment",
    "Command",
    "Confirm",
    "Expire",
    "Hold",
    "JoinWaitingList",
    "LapseEntries",
    "LeaveWaitingList",
    "OfferPlaces",
    "OnBooking",
    "ProjectOffer",
    "SetWaitingPriority",
    "TicketIssuer",
]
