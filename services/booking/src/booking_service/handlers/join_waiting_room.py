"""Gives somebody a place in the waiting room of an event."""

from booking_service.domain.waiting_ports import Offers, Rooms
from booking_service.domain.waiting_room import Standing, enterable, standing_of
from domain_kit.clock import Clock


async def join_waiting_room(offers: Offers, rooms: Rooms, clock: Clock, *, event: str, user: str) -> Standing:
    """How the user stands: with the place there is already, or a new one at the end.

    NotFound; FailedPrecondition EVENT_NOT_ON_SALE.
    """
    offer = enterable(await offers.offer(event), event)
    if not offer.terms.waiting_room.enabled:
        return Standing(event)
    place, room = await rooms.join(offer, user)
    return standing_of(place, room, offer.terms.waiting_room, clock())
