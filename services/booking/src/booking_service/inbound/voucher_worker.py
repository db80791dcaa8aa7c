"""Background work: what vouchers keep goes back when their time runs out."""

from collections.abc import Callable

from booking_service.domain.ports import Desk
from booking_service.domain.voucher_ports import VoucherReader
from booking_service.domain.voucher_use import VoucherUse
from booking_service.handlers.lapse_reservations import lapse_reservations
from booking_service.inbound.workers import Leases, Sweeper
from domain_kit.clock import Clock
from domain_kit.repository import Cause

LAPSE_LEASE = "voucher-reservations"


class LapseWorker(Sweeper):
    """Frees what vouchers keep soon after their time; only the places shown free depend on how soon."""

    def __init__(
        self,
        vouchers: VoucherReader,
        desk: Desk,
        leases: Leases,
        cause_of: Callable[[VoucherUse], Cause],
        clock: Clock,
        *,
        seconds: float = 1.0,
    ) -> None:
        async def sweep() -> int:
            return await lapse_reservations(vouchers, desk, cause_of, now=clock())

        super().__init__(LAPSE_LEASE, sweep, leases, seconds=seconds)
