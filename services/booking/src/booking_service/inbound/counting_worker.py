"""Background work: bookings made before their event had limits for one person are counted."""

from booking_service.domain.ports import BookingReader, Desk, StockReader
from booking_service.handlers.count_bookings import count_bookings
from booking_service.inbound.workers import Leases, Sweeper

COUNTING_LEASE = "counting"


class CountingWorker(Sweeper):
    """Counts them soon after limits were set; until then a buyer may have as many again as the limit says."""

    def __init__(
        self, bookings: BookingReader, stocks: StockReader, desk: Desk, leases: Leases, *, seconds: float = 1.0
    ) -> None:
        async def sweep() -> int:
            return await count_bookings(bookings, stocks, desk)

        super().__init__(COUNTING_LEASE, sweep, leases, seconds=seconds)
