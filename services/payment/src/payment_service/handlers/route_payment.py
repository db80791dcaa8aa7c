"""Through whom a booking would be paid, and how else it could be."""

from payment_service.domain.ports import Bookings, Gateways
from payment_service.domain.routing import Ranking, Wish
from payment_service.handlers.create_payment import Chosen


async def route_payment(bookings: Bookings, gateways: Gateways, booking: str, chosen: Chosen) -> Ranking:
    """All ways, best first, with reasons. PermissionDenied; FailedPrecondition NO_GATEWAY is for who wants to pay."""
    owed = await bookings.owed(booking)
    wish = Wish(owed.total, chosen.country, chosen.method, chosen.gateway)
    return await gateways.ranking(wish, owed.organizer)
