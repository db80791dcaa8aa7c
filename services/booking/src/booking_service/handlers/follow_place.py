"""Tells how a place in a waiting room stands, once or until its turn has come."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from booking_service.domain.waiting_ports import Offers, Rooms, Watchers
from booking_service.domain.waiting_room import Place, Standing, enterable, standing_of
from domain_kit.clock import Clock

# How long one stream lasts at most.
LONGEST = timedelta(minutes=10)
# A place is told anew each time a twentieth of its wait is over, within these bounds.
SHARE, LEAST, MOST = 20, timedelta(seconds=1), timedelta(seconds=15)


async def get_place(offers: Offers, rooms: Rooms, clock: Clock, *, place: Place) -> Standing:
    """How it stands now. FailedPrecondition TURN_EXPIRED, EVENT_NOT_ON_SALE; NotFound."""
    offer = enterable(await offers.offer(place.event), place.event)
    if not offer.terms.waiting_room.enabled:
        return Standing(place.event)
    room = await rooms.room(offer)
    return standing_of(place, room, offer.terms.waiting_room, clock())


async def watch_place(
    offers: Offers, rooms: Rooms, watchers: Watchers, clock: Clock, *, place: Place, longest: timedelta = LONGEST
) -> AsyncGenerator[Standing, None]:
    """How it stands, again whenever it moves up or its turn moves.

    Ends with the turn, after `longest`, and when the service stops.
    As `get_place`; ResourceExhausted TOO_MANY_WATCHERS.
    """
    with watchers.watching(place.event):
        end = clock() + longest
        told: tuple[bool, int, datetime | None] | None = None
        while True:
            standing = await get_place(offers, rooms, clock, place=place)
            news = standing.admitted, standing.ahead, standing.begins
            if news != told:
                yield standing
                told = news
            now = clock()
            if standing.admitted or now >= end or watchers.closed:
                return
            pause = min(max(standing.wait / SHARE, LEAST), MOST, standing.wait)
            await watchers.until(place.event, min(now + pause, end))
