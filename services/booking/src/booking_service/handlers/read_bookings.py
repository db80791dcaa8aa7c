"""Reads bookings and tells whose they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from booking_service.domain.answers import missing_answers
from booking_service.domain.booking import Booking, Ticket, void_ticket
from booking_service.domain.offer import Offer
from booking_service.domain.passing_on import refuse_if_passed_on
from booking_service.domain.ports import BookingReader, StockReader
from booking_service.domain.resale_ports import ResaleReader
from booking_service.domain.states import TicketState
from booking_service.domain.waiting_list_ports import EntryReader
from booking_service.domain.waiting_ports import Offers
from domain_kit.refusals import NotFound

# Whether the caller acts for that organizer; who does not is the buyer.
Serves = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Owners:
    """Names: of the buyer or who waits, else "", and of the organizer."""

    buyer: str
    organizer: str


async def owners_of(
    bookings: BookingReader, stocks: StockReader, entries: EntryReader, resales: ResaleReader, name: str
) -> Owners | None:
    """Whose an event, booking, ticket, waiting list entry, resale offer or check-in list is; None for what is not.

    A list belongs to its event, also one that does not exist: those who may see the event's learn that it does not.
    """
    try:
        match name.split("/"):
            case ["events", _] | ["events", _, "checkInLists" | "vouchers", _]:
                offer = await get_offer(stocks, "/".join(name.split("/")[:2]))
                return Owners("", offer.organizer)
            case ["events", _, "bookings", _, *rest] if not rest or (len(rest) == 2 and rest[0] == "tickets"):
                booking = await bookings.get("/".join(name.split("/")[:4]))
                return Owners(booking.buyer, booking.organizer)
            case ["events", _, "waitingListEntries", _]:
                entry = await entries.get(name)
                return Owners(entry.user, entry.organizer)
            case ["events", _, "resaleOffers", _]:
                offered = await resales.get(name)
                return Owners(offered.seller, offered.organizer)
    except NotFound:
        return None
    return None


async def missing_answers_of(offers: Offers, booking: Booking) -> Sequence[str]:
    """Names of questions that are still to be answered; nothing for a booking that has ended."""
    offer = await offers.offer(booking.event) if booking.state.takes_places else None
    return () if offer is None else missing_answers(offer, booking)


async def get_valid_ticket(bookings: BookingReader, name: str, *, serves: Serves) -> Ticket:
    """NotFound; FailedPrecondition TICKET_VOID, TICKET_TRANSFERRED."""
    booking: Booking = await bookings.get(name.rpartition("/tickets/")[0])
    ticket = booking.ticket(name)
    if ticket.state is TicketState.VOID:
        raise void_ticket(ticket)
    if not serves(booking.organizer):
        refuse_if_passed_on(booking, name)
    return ticket


async def get_offer(stocks: StockReader, event: str) -> Offer:
    """What the event sells and where it is. NotFound."""
    offer = await stocks.offer(event)
    if offer is None:
        raise NotFound.named(event)
    return offer
