"""What can be asked of one event's bookings and of what goes with them: each a pure decision."""

from booking_service.domain.commands.approve import Approve, Reject
from booking_service.domain.commands.attendee_import import BeginImport, BookChunk
from booking_service.domain.commands.change import Change, NoIssuer, TryChange
from booking_service.domain.commands.check_in import CheckIn
from booking_service.domain.commands.check_in_lists import (
    BeginUpload,
    ChangeCheckInList,
    CreateCheckInList,
    DeleteCheckInList,
)
from booking_service.domain.commands.close import Close, NoteClosed
from booking_service.domain.commands.command import Command, OnBooking
from booking_service.domain.commands.count import CountBooking, NoteCounted
from booking_service.domain.commands.details import AttendeeAt, ChangeDetails
from booking_service.domain.commands.end import Cancel, Expire
from booking_service.domain.commands.group import BookGroup
from booking_service.domain.commands.hold import Hold
from booking_service.domain.commands.merge_scans import LoggedScan, MergeScans
from booking_service.domain.commands.offer import ProjectOffer
from booking_service.domain.commands.resale import OfferForResale, WithdrawResaleOffer
from booking_service.domain.commands.settle import ClaimPayment, Confirm
from booking_service.domain.commands.transfer import TransferTicket
from booking_service.domain.commands.undo_check_in import UndoCheckIn
from booking_service.domain.commands.vouchers import CreateVouchers, DeleteVoucher, LapseReservation, UpdateVoucher
from booking_service.domain.commands.waiting import JoinWaitingList, LeaveWaitingList, SetWaitingPriority
from booking_service.domain.commands.waiting_offers import LapseEntries, OfferPlaces
from booking_service.domain.commands.withdraw_change import WithdrawChange
from booking_service.domain.issuing import TicketIssuer

__all__ = [
    "Approve",
    "AttendeeAt",
    "BeginImport",
    "BeginUpload",
    "BookChunk",
    "BookGroup",
    "Cancel",
    "Change",
    "ChangeCheckInList",
    "ChangeDetails",
    "CheckIn",
    "ClaimPayment",
    "Close",
    "Command",
    "Confirm",
    "CountBooking",
    "CreateCheckInList",
    "CreateVouchers",
    "DeleteCheckInList",
    "DeleteVoucher",
    "Expire",
    "Hold",
    "JoinWaitingList",
    "LapseEntries",
    "LapseReservation",
    "LeaveWaitingList",
    "LoggedScan",
    "MergeScans",
    "NoIssuer",
    "NoteClosed",
    "NoteCounted",
    "OfferForResale",
    "OfferPlaces",
    "OnBooking",
    "ProjectOffer",
    "Reject",
    "SetWaitingPriority",
    "TicketIssuer",
    "TransferTicket",
    "TryChange",
    "UndoCheckIn",
    "UpdateVoucher",
    "WithdrawChange",
    "WithdrawResaleOffer",
]
