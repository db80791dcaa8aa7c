"""Says what a booking would cost, without taking anything."""

from collections.abc import Sequence
from datetime import timedelta

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Hold
from booking_service.domain.questions import Answer
from booking_service.domain.selling import Wanted
from booking_service.domain.voucher_ports import Rehearsal
from booking_service.handlers.create_booking import check_wanted
from domain_kit.ids import new_id


async def quote_booking(
    rehearsal: Rehearsal,
    *,
    event: str,
    buyer: str,
    wanted: Sequence[Wanted],
    voucher_codes: tuple[str, ...] = (),
    answers: tuple[Answer, ...] = (),
    currency: str = "",
    unasked: bool = False,
) -> Booking:
    """The booking as it would be; refusals as `create_booking`."""
    check_wanted(event, wanted)
    name = f"{event}/bookings/{new_id()}"
    command = Hold(
        event, name, buyer, tuple(wanted), timedelta(0), voucher_codes=voucher_codes, answers=answers,
        currency=currency, unasked=unasked,
    )  # fmt: skip
    booking = await rehearsal.rehearse(command)
    if not isinstance(booking, Booking):
        raise TypeError(f"Hold answered {type(booking).__name__}")
    return booking
