"""Background work: what vouchers keep goes back when their time runs out."""

from collections.abc import Callable

from booking_service.domain.ports import BookingReader, Desk
from booking_service.domain.voucher_ports import VoucherReader
from booking_service.domain.voucher_use import VoucherUse
from booking_service.handlers.lapse_reservations import lapse_reservations
from booking_service.inbound.workers import ExpiryWorker, Leases
from domain_kit.clock import Clock
from domain_kit.repository import Cause


class LapseWorker(ExpiryWorker):
    """Frees reservations soon after their time, in one process at a time."""

    lease = "voucher-reservations"

    def __init__(
        self,
        bookings: BookingReader,
        vouchers: VoucherReader,
        desk: Desk,
        leases: Leases,
        cause_of: Callable[[VoucherUse], Cause],
        clock: Clock,
        *,
        seconds: float = 1.0,
    ) -> None:
        super().__init__()
