"""Takes over what gates without a network let in and out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.check_in_ports import CheckInReader
from booking_service.domain.check_in_rules import check_clock
from booking_service.domain.commands import BeginUpload, LoggedScan, MergeScans
from booking_service.domain.commands.merge_scans import refusal_of
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Desk, StockReader, TicketVerifier
from booking_service.domain.scans import Judgement, Scan, TicketScans, Verdict, judge
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from booking_service.handlers.read_bookings import get_offer
from domain_kit.refusals import NotFound, Refusal
from domain_kit.repository import Cause

# Bookings that one upload has in the lanes at a time, so that it leaves room for others.
AT_ONCE = 256
_VERIFIED_AT_A_STRETCH = 50  # some thousandths of a second
INVALID_CODE = "TICKET_CODE_INVALID"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One scan of a log: its code and the rest."""

    code: str
    scan: Scan


@dataclass(frozen=True, slots=True)
class Result:
    """What an uploaded scan led to. verdict None: it was not taken, `reason` says why. ticket "": no valid code."""

    verdict: Verdict | None
    reason: str = ""
    ticket: str = ""
    first: Scan | None = None


async def upload_scan_log(
    desk: Desk,
    verifier: TicketVerifier,
    check_ins: CheckInReader,
    stocks: StockReader,
    *,
    list_name: str,
    uploads: Sequence[Uploaded],
    now: datetime,
    cause: Cause,
) -> list[Result]:
    """One result a scan, in their order, as it is known after all were taken over. NotFound for the list.

    One command a booking, so that many scans go into few commits. What fails on the way may be sent again as a whole.
    INVARIANT: under the same request id nothing but the same log is taken; InvalidArgument REQUEST_ID_REUSED.
    """
    check_in_list = await check_ins.check_in_list(list_name)
    if cause.fingerprint:
        await ask(desk, BeginUpload(event_of(list_name), list_name), cause, CheckInList)
    offer = await get_offer(stocks, event_of(list_name))
    refused, logged = await _verified(verifier, offer.event, uploads, now)
    bookings = await _merge(desk, list_name, list(logged.values()), cause)
    scans = await check_ins.scans_of(sorted({each.ticket for each in logged.values()}))
    judgements = {ticket: judge(each.on(list_name), check_in_list.rules) for ticket, each in scans.items()}
    for number, each in logged.items():
        booking = bookings.get(_booking_of(each))
        refused[number] = _result(each, booking, offer, check_in_list, scans.get(each.ticket), judgements)
    return [refused[number] for number in range(len(uploads))]


async def _verified(
    verifier: TicketVerifier, event: str, uploads: Sequence[Uploaded], now: datetime
) -> tuple[dict[int, Result], dict[int, LoggedScan]]:
    """By number: what is not taken, and what is."""
    refused: dict[int, Result] = {}
    logged: dict[int, LoggedScan] = {}
    for number, each in enumerate(uploads):
        if number % _VERIFIED_AT_A_STRETCH == 0:
            await asyncio.sleep(0)  # others get their turn
        try:
            check_clock(each.scan.time, now, f"scans[{number}].scan_time")
            said = await verifier.verify(each.code)
        except Refusal as refusal:
            refused[number] = Result(None, refusal.reason)
            continue
        if said.event_name == event:
            logged[number] = LoggedScan(said.ticket_name, each.code, each.scan)
        else:
            refused[number] = Result(None, INVALID_CODE)
    return refused, logged


async def _merge(desk: Desk, list_name: str, logged: Sequence[LoggedScan], cause: Cause) -> Mapping[str, Booking]:
    """By name, as they are after it; those that do not exist are missing."""
    groups: dict[str, list[LoggedScan]] = {}
    for each in logged:
        groups.setdefault(_booking_of(each), []).append(each)
    found: dict[str, Booking] = {}

    async def merge(name: str) -> None:
        command = MergeScans(event_of(list_name), name, list_name, tuple(groups[name]))
        try:
            found[name] = await ask(desk, command, replace(cause, key=f"{cause.key}|{name}"), Booking)
        except NotFound as refusal:
            if refusal.metadata.get("resource") == list_name:
                raise

    names = list(groups)
    for start in range(0, len(names), AT_ONCE):
        ended = await asyncio.gather(*map(merge, names[start : start + AT_ONCE]), return_exceptions=True)
        for trouble in ended:
            if trouble is not None:
                raise trouble
    return found


def _result(
    logged: LoggedScan,
    booking: Booking | None,
    offer: Offer,
    check_in_list: CheckInList,
    scans: TicketScans | None,
    judgements: Mapping[str, Judgement],
) -> Result:
    if booking is None:
        return Result(None, INVALID_CODE)
    if scans is not None and logged.scan in scans.undone:
        return Result(None, "CHECK_IN_UNDONE", logged.ticket)
    judged = judgements[logged.ticket].of(logged.scan) if logged.ticket in judgements else None
    if judged is not None:
        return Result(judged.verdict, judged.reason, logged.ticket, judged.first)
    refusal = refusal_of(logged, booking, offer, {(CheckInList, check_in_list.name): check_in_list}, check_in_list.name)
    if isinstance(refusal, NotFound):
        return Result(None, INVALID_CODE)
    return Result(None, "TOO_MANY_SCANS" if refusal is None else refusal.reason, logged.ticket)


def _booking_of(logged: LoggedScan) -> str:
    return logged.ticket.partition("/tickets/")[0]
