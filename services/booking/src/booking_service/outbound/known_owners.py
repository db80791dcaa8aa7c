"""Whose a booking is never changes, so who made it or asked once need not read it again to be let through."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

from booking_service.domain.booking import Booking
from booking_service.domain.records import Record
from booking_service.handlers.read_bookings import Owners

REMEMBERED = 8192


class KnownOwners:
    """Of the bookings that this process has written or asked for lately. read: looks anything else up."""

    def __init__(self, read: Callable[[str], Awaitable[Owners | None]]) -> None:
        self._read = read
        self._known: OrderedDict[str, Owners] = OrderedDict()

    def committed(self, records: Iterable[Record]) -> None:
        """A lane of this process has written them."""
        for record in records:
            if isinstance(record, Booking):
                self._keep(record.name, Owners(record.buyer, record.organizer))

    async def owners(self, name: str) -> Owners | None:
        """Whose the booking, one of its tickets, or anything else is; None for what is not."""
        match name.split("/"):
            case ["events", event, "bookings", id, *rest] if not rest or (len(rest) == 2 and rest[0] == "tickets"):
                booking = f"events/{event}/bookings/{id}"
            case _:
                return await self._read(name)
        known = self._known.get(booking) or await self._read(booking)
        if known is not None:
            self._keep(booking, known)
        return known

    def _keep(self, booking: str, owners: Owners) -> None:
        self._known[booking] = owners
        self._known.move_to_end(booking)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
