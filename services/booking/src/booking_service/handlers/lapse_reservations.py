"""Frees what vouchers keep whose time has run out."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from booking_service.domain.commands import LapseReservation
from booking_service.domain.ports import Desk
from booking_service.domain.voucher_ports import VoucherReader
from booking_service.domain.voucher_use import VoucherUse
from booking_service.handlers.expire_holds import PAGE
from domain_kit.refusals import Refusal
from domain_kit.repository import Cause


async def lapse_reservations(
    vouchers: VoucherReader, desk: Desk, cause_of: Callable[[VoucherUse], Cause], *, now: datetime, page: int = PAGE
) -> int:
    """How many of one page lapsed. Those that could not be served now stay due. Call again while a full page came."""
    due = await vouchers.due(now, page)
    lapsed = await asyncio.gather(
        *(desk.submit(LapseReservation(use.event, use.voucher), cause_of(use)) for use in due), return_exceptions=True
    )
    for each in lapsed:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    return sum(not isinstance(each, BaseException) for each in lapsed)
