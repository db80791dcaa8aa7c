"""Gathers what a scanner takes along to a gate without a network."""

from collections.abc import AsyncIterator, Sequence

from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.check_in_ports import CheckInReader
from booking_service.domain.list_extract import ListedTicket, is_listed, listed
from booking_service.domain.ports import BookingReader
from booking_service.domain.scans import Presence, judge

PAGE = 500


async def tickets_on_list(
    bookings: BookingReader, check_ins: CheckInReader, check_in_list: CheckInList, *, with_names: bool
) -> AsyncIterator[Sequence[ListedTicket]]:
    """All tickets that the list knows, void ones too, a page of bookings at a time, newest bookings first."""
    rules, after, more = check_in_list.rules, None, True
    while more:
        page = await bookings.of_event(check_in_list.event, after=after, limit=PAGE)
        tickets = [each for booking in page.items for each in booking.tickets if is_listed(each, rules)]
        scans = await check_ins.scans_of([each.name for each in tickets])
        presences = {name: judge(each.on(check_in_list.name), rules).presence for name, each in scans.items()}
        yield [listed(each, presences.get(each.name, Presence()), with_name=with_names) for each in tickets]
        after, more = page.following, page.following is not None
