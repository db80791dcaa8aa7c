"""What the handlers need of the world."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from booking_service.domain.availability import Announcement
from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.commands import Command
from booking_service.domain.offer import Offer
from booking_service.domain.records import Record
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import TakenSeats
from booking_service.domain.ticket_codes import TicketCode
from booking_service.domain.ticket_papers import CalendarEntry, Wallet
from domain_kit.repository import Cause, Page


class Desk(Protocol):
    """Decides commands, event by event in order of arrival."""

    async def submit(self, command: Command, cause: Cause) -> Record | None:
        """What it answers, once that is there to stay; None for a command without an answer.

        Whatever the command's `decide` raises; Aborted ETAG_MISMATCH; InvalidArgument REQUEST_ID_REUSED;
        ResourceExhausted LANE_FULL; Unavailable. A repeat of the cause gets the first answer.
        """


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` ("state" or "buyer") has the value, or (`same` False) another one."""

    field: str
    value: str | bool
    same: bool = True


class BookingReader(Protocol):
    """Stored bookings."""

    async def get(self, name: str) -> Booking:
        """NotFound."""

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[Booking]:
        """Newest first; those that meet all conditions."""

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[Booking]:
        """Newest first."""

    async def to_close(self, event: str, date: str | None, after: str, limit: int) -> Sequence[str]:
        """Names of bookings that may be closed, in order, after the name `after`: for that date, "" without one.

        None: for whatever date.
        """

    async def uncounted(self, event: str, after: str, limit: int) -> Sequence[str]:
        """Names of bookings with places that count for nobody, in order, after the name `after`."""

    async def due_holds(self, now: datetime, limit: int, event: str = "") -> Sequence[Booking]:
        """Holds whose time has run out, oldest first."""


class ImportReader(Protocol):
    """Imports that are under way."""

    async def unfinished(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Names of chunks that nobody has booked in time, with who began their import; the longest waiting first."""


class StockReader(Protocol):
    """Stored offers and inventories."""

    async def stock(self, event: str) -> Stock:
        """As it is now; without offer when the event is not known."""

    async def stocks(self, events: Sequence[str]) -> Mapping[str, Stock]:
        """The same for many events."""

    async def to_close(self, now: datetime, limit: int) -> Sequence[Stock]:
        """Events of which something ended whose bookings are not closed yet, the longest over first."""

    async def to_count(self, limit: int) -> Sequence[Stock]:
        """Events of which bookings are to be counted for limits, the longest waiting first."""

    async def offer(self, event: str) -> Offer | None:
        """None when the event is not known."""


class SeatReader(Protocol):
    """Stored seats."""

    async def taken_of(self, event: str, sections: Sequence[str], date: str = "") -> Mapping[str, TakenSeats]:
        """Section id → what is taken of it; nothing for those of which nothing ever was."""


class Changes(Protocol):
    """Tells of what changes an event's availability."""

    def follow(self, event: str) -> AsyncGenerator[Stock, None]:
        """The present stock, then the newest whenever it or its meaning has changed; ends when the service stops."""


class Announcements(Protocol):
    """What was last told to the other services about an event's availability."""

    async def last_of(self, events: Sequence[str]) -> Mapping[str, Announcement]:
        """By event; nothing for those of which nothing was told."""

    async def announce(self, following: Announcement, before: Announcement | None, now: datetime) -> bool:
        """Tell it in place of the one before; False when somebody else has told something meanwhile."""


class TicketVerifier(Protocol):
    """Tells our ticket codes from forgeries."""

    async def verify(self, code: str) -> TicketCode:
        """What it says. InvalidArgument TICKET_CODE_INVALID."""


class TicketKeyring(Protocol):
    """The public side of the keys that sign ticket codes."""

    async def public_keys(self) -> Mapping[int, bytes]:
        """Number → Ed25519 public key of 32 bytes, oldest first."""


class TicketDocuments(Protocol):
    """Makes documents of tickets. languages: BCP 47 tags, the reader's favourite first."""

    async def printed(
        self, offer: Offer, tickets: Sequence[Ticket], *, languages: Sequence[str], per_page: int
    ) -> bytes:
        """A PDF with 1, 2 or 4 tickets a page."""

    async def calendar(self, offer: Offer, entries: Sequence[CalendarEntry], now: datetime) -> bytes:
        """An iCalendar object."""

    async def wallet_pass(
        self, wallet: Wallet, offer: Offer, ticket: Ticket, *, languages: Sequence[str], now: datetime
    ) -> bytes:
        """FailedPrecondition WALLET_NOT_CONFIGURED."""


class QrImages(Protocol):
    """Draws QR codes."""

    def svg(self, text: str, /) -> bytes:
        """An SVG document."""

    def png(self, text: str, /) -> bytes:
        """A PNG image."""
