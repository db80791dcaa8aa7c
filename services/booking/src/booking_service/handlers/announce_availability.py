"""Tells the other services what can be booked, when that has changed."""

from booking_service.domain.availability import Announcement, availability_of, next_change
from booking_service.domain.ports import Announcements
from booking_service.domain.stock import Stock
from domain_kit.clock import Clock

_ATTEMPTS = 5


async def announce_availability(
    announcements: Announcements, stock: Stock, before: Announcement | None, clock: Clock
) -> bool:
    """Whether anything was told. Nothing for an event that was never public, for what is known, and for older stock.

    before: what was told last, as far as the caller knows.
    """
    offer = stock.offer
    if offer is None or not offer.published:
        return False
    for _ in range(_ATTEMPTS):
        now = clock()
        availability, due = availability_of(offer, stock.inventory, now), next_change(offer, now)
        if before is not None:
            if before.stock_version > stock.inventory.version:
                return False
            if before.availability == availability and before.due == due:
                return False
        news = before is None or before.availability != availability
        version = (0 if before is None else before.version) + news
        following = Announcement(availability, version, stock.inventory.version, due)
        if await announcements.announce(following, before, now):
            return news
        before = (await announcements.last_of([stock.event])).get(stock.event)
    return False
