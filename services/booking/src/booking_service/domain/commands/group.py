"""An organizer books for somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import check_details
from booking_service.domain.booking import Booking, Line, plain, total_of
from booking_service.domain.commands.command import Found
from booking_service.domain.commands.settle import require_published
from booking_service.domain.contacts import Contact
from booking_service.domain.deadlines import until_it_begins
from booking_service.domain.inventory import Inventory
from booking_service.domain.issuing import TicketIssuer, issue_tickets
from booking_service.domain.occupancy import occupied
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.outcome import Outcome, Step, changed
from booking_service.domain.pricing.breakdown import UnitRun
from booking_service.domain.pricing.inputs import Item
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.questions import Answer
from booking_service.domain.records import Key, View
from booking_service.domain.seat_choice import seated, section_keys
from booking_service.domain.selling import Wanted, line_of
from booking_service.domain.states import BookingState
from booking_service.domain.stock import Stock
from booking_service.domain.tariffs import given_discounts, tariff_of
from booking_service.domain.tendering import tendered
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class BookGroup:
    """Take places for a user, or for a contact (`buyer` ""), whatever limits and windows hold for buyers.

    complimentary: free of charge and confirmed at once; else held for that long, to be paid in `currency`, "": that of
    the event.
    """

    event: str
    booking: str
    buyer: str
    contact: Contact
    wanted: Sequence[Wanted]
    issuer: TicketIssuer
    reason: str
    complimentary: bool
    hold_for: timedelta
    answers: tuple[Answer, ...] = ()
    currency: str = ""
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The seats."""
        return () if stock.offer is None else section_keys(stock.offer, self.wanted)

    def decide(self, view: View, now: datetime) -> Outcome:
        """FailedPrecondition as `bookable`, `tendered`, `seated`, which lets the organizer leave seats alone, and
        `occupied`; InvalidArgument as `check_details`; NotFound.
        """
        offer = view.stock.known_offer()
        lines = (free_lines(offer, self.wanted, now) if self.complimentary
                 else invoiced_lines(offer, view.stock.inventory, self.wanted, now))  # fmt: skip
        lines, rate = tendered(offer, lines, self.currency, now)
        check_details(offer, lines, self.answers, "booking")
        held = Booking(
            name=self.booking,
            event=self.event,
            organizer=offer.organizer,
            buyer=self.buyer,
            state=BookingState.HELD,
            lines=lines,
            total=total_of(lines),
            create_time=now,
            update_time=now,
            hold_expire_time=until_it_begins(offer, lines, now + self.hold_for, now),
            answers=self.answers,
            contact=self.contact,
            exchange_rate=rate,
            discounts=given_discounts(offer, lines, now),
        )
        held = seated(view, held, leaving_alone=True)
        stock, tallies = occupied(view, held)
        steps = [Step(facts.BookingHeld(self.reason), held)]
        if self.complimentary:
            confirmed = held.confirmed(issue_tickets(held, self.issuer), "", now)
            steps.append(Step(facts.BookingConfirmed(reason=self.reason), confirmed))
        return changed(stock, *steps, tallies=tallies)


def invoiced_lines(offer: Offer, inventory: Inventory, wanted: Sequence[Wanted], now: datetime) -> tuple[Line, ...]:
    """The lines at the present price; refusals as `bookable`."""
    kinds = [bookable(offer, each, now) for each in wanted]
    items = [Item(each.ticket_type, each.quantity, each.date) for each in wanted]
    priced = price_of(items, tariff_of(offer, kinds, inventory, now), now)
    return tuple(
        line_of(offer, kind, each, line.runs) for kind, each, line in zip(kinds, wanted, priced.lines, strict=True)
    )


def free_lines(offer: Offer, wanted: Sequence[Wanted], now: datetime) -> tuple[Line, ...]:
    """The lines, each ticket for nothing; refusals as `bookable`."""
    lines = []
    for each in wanted:
        kind = bookable(offer, each, now)
        lines.append(line_of(offer, kind, each, (UnitRun(each.quantity, plain(Money(0, kind.price.currency))),)))
    return tuple(lines)


def bookable(offer: Offer, wanted: Wanted, now: datetime) -> OfferedType:
    """The type, for one who may book beyond limits and sale windows.

    FailedPrecondition EVENT_CANCELLED, EVENT_NOT_ON_SALE, SALE_ENDED, DATE_REQUIRED, DATE_CANCELLED; NotFound for a
    type or date that is not sold.
    """
    require_open(offer, now)
    kind, date = offer.ticket_type(wanted.ticket_type), offer.date(wanted.date)
    if date is not None and now >= date.end_time:
        raise _over(offer)
    return kind


def require_open(offer: Offer, now: datetime) -> None:
    """FailedPrecondition EVENT_CANCELLED, EVENT_NOT_ON_SALE; SALE_ENDED when the event is over."""
    require_published(offer)
    if now >= offer.end_time:
        raise _over(offer)


def _over(offer: Offer) -> FailedPrecondition:
    return FailedPrecondition("SALE_ENDED", "It is over.", metadata={"event": offer.event})
