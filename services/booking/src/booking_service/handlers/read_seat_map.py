"""Shows which seats are free."""

from booking_service.domain.ports import SeatReader, StockReader
from booking_service.domain.seat_map import SeatMap, sections_of
from domain_kit.refusals import NotFound


async def read_seat_map(
    stocks: StockReader, seats: SeatReader, *, event: str, date: str = "", known_version: int | None = None
) -> SeatMap:
    """The seats, without sections where `known_version` is the present one.

    NotFound for an event without seats or never published, and for a date it does not have; FailedPrecondition
    DATE_REQUIRED, DATE_CANCELLED.
    """
    stock = await stocks.stock(event)
    offer, version = stock.offer, stock.inventory.version
    if offer is None or not offer.published or not offer.sections:
        raise NotFound.named(f"{event}/seatMap")
    offer.date(date)
    if known_version == version:
        return SeatMap(event, date, version, None)
    # Read after the version: what changes in between is newer than the map says, and its reader asks again.
    taken = await seats.taken_of(event, [section.id for section in offer.sections], date)
    return SeatMap(event, date, version, sections_of(offer, taken.get))
