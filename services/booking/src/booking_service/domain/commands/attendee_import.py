"""Bookings from a file: the places of all of them at once, then the bookings bit by bit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.attendee_import import (
    AttendeeImport,
    ImportChunk,
    ImportedOrder,
    chunk_name,
    chunked,
)
from booking_service.domain.booking import Booking, Line, total_of
from booking_service.domain.commands.command import Found
from booking_service.domain.commands.group import require_open
from booking_service.domain.import_seats import lines_of, seated_orders
from booking_service.domain.issuing import TicketIssuer, issue_tickets
from booking_service.domain.occupancy import occupied
from booking_service.domain.outcome import Outcome, Step, unchanged
from booking_service.domain.records import Key, View
from booking_service.domain.seat_choice import section_keys
from booking_service.domain.states import BookingState
from booking_service.domain.stock import Stock

# Whoever began an import goes on at once; from then on it is left to whoever comes by.
FINISHED_BY_OTHERS = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class BeginImport:
    """Take places for all orders, or for none. `name`: that of the import."""

    event: str
    name: str
    actor: str
    reason: str
    templates: tuple[Line, ...]
    orders: Sequence[ImportedOrder]
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The seats."""
        return () if stock.offer is None else section_keys(stock.offer, self.templates)

    def decide(self, view: View, now: datetime) -> Outcome:
        """FailedPrecondition EVENT_CANCELLED, EVENT_NOT_ON_SALE, SALE_ENDED, and as `all_seated` and `occupied`;
        NotFound.
        """
        offer = view.stock.known_offer()
        require_open(offer, now)
        orders = seated_orders(view, self.templates, self.orders)
        counts = Counter(ticket.template for order in orders for ticket in order.tickets)
        lines = tuple(replace(self.templates[number], quantity=count) for number, count in counts.items())
        whole = Booking(
            name=self.name, event=self.event, organizer=offer.organizer, buyer="", state=BookingState.HELD,
            lines=lines, total=lines[0].unit_price,
            create_time=now, update_time=now,
        )  # fmt: skip
        each_its_own = [replace(whole, name=each.booking, lines=lines_of(self.templates, each)) for each in orders]
        stock, tallies = occupied(view, whole, seats_of=each_its_own)
        chunks = chunked(orders)
        began = AttendeeImport(
            self.name, self.event, offer.organizer, self.actor, self.reason, self.templates, len(chunks), now
        )  # fmt: skip
        due = now + FINISHED_BY_OTHERS
        waiting = [
            ImportChunk(chunk_name(self.name, number), self.name, self.event, orders, due)
            for number, orders in enumerate(chunks)
        ]
        return Outcome(stock, began, (), [*tallies, began, *waiting])


@dataclass(frozen=True, slots=True)
class BookChunk:
    """Make the bookings of a chunk, on the places that its import has taken.

    INVARIANT: it cannot be refused, whatever has become of the offer, or a file would be booked by half.
    """

    event: str
    chunk: str
    issuer: TicketIssuer
    etag: str = ""
    recorded: ClassVar[bool] = False

    @property
    def subject(self) -> Key:
        """The chunk."""
        return ImportChunk, self.chunk

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The chunk and its import."""
        return [self.subject, (AttendeeImport, self.chunk.rpartition("/chunks/")[0])]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        chunk = view.get(ImportChunk, self.chunk)
        if chunk.due is None:
            return unchanged(view.stock, chunk)
        whole = view.get(AttendeeImport, chunk.of)
        booked = [self._booked(whole, order, now) for order in chunk.orders]
        after = replace(
            chunk, orders=(), due=None, bookings=tuple(each.name for each in booked),
            tickets=sum(len(order.tickets) for order in chunk.orders),
        )  # fmt: skip
        steps = [Step(facts.BookingConfirmed(reason=whole.reason), each) for each in booked]
        return Outcome(view.stock, after, steps, [after])

    def _booked(self, whole: AttendeeImport, order: ImportedOrder, now: datetime) -> Booking:
        lines = lines_of(whole.templates, order)
        held = Booking(
            name=order.booking,
            event=whole.event,
            organizer=whole.organizer,
            buyer=order.buyer,
            state=BookingState.HELD,
            lines=lines,
            total=total_of(lines),
            create_time=now,
            update_time=now,
            answers=order.answers,
            contact=order.contact,
        )
        return held.confirmed(issue_tickets(held, self.issuer), "", now)
