"""Documents of tickets, from booking's own copy of the event; what draws and signs them is imported when first used."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from booking_service.domain.booking import Ticket
from booking_service.domain.offer import Offer
from booking_service.domain.ticket_papers import CalendarEntry, Wallet
from domain_kit.refusals import FailedPrecondition
from ticket_documents.content import Admission, Occasion

if TYPE_CHECKING:
    from ticket_documents.apple_pass import AppleSigner
    from ticket_documents.google_pass import GoogleSigner


class Paperwork:
    """domain.ports.TicketDocuments. One document at a time is made, in a thread of its own, so that rpcs go on.

    apple, google: without one, passes for that wallet are refused. platform_uri: where organizers are found.
    """

    def __init__(
        self, *, apple: "AppleSigner | None" = None, google: "GoogleSigner | None" = None, platform_uri: str
    ) -> None:
        self._apple, self._google, self._platform_uri = apple, google, platform_uri.rstrip("/")
        self._desk = ThreadPoolExecutor(1, "paperwork")

    def close(self) -> None:
        """Begin nothing more; what waits is dropped."""
        self._desk.shutdown(wait=False, cancel_futures=True)

    async def printed(
        self, offer: Offer, tickets: Sequence[Ticket], *, languages: Sequence[str], per_page: int
    ) -> bytes:
        """A PDF with the organizer's logo."""
        told = [(_occasion(offer, each.date), _admission(offer, each)) for each in tickets]
        return await self._in_turn(partial(_printed, told, languages, per_page, offer.terms.ticket_logo))

    async def calendar(self, offer: Offer, entries: Sequence[CalendarEntry], now: datetime) -> bytes:
        """An iCalendar object."""
        organizer_uri = f"{self._platform_uri}/v1/{offer.organizer}"
        told = [(_occasion(offer, each.date), each) for each in entries]
        return await self._in_turn(partial(_calendar, told, now, organizer_uri))

    async def wallet_pass(
        self, wallet: Wallet, offer: Offer, ticket: Ticket, *, languages: Sequence[str], now: datetime
    ) -> bytes:
        """FailedPrecondition WALLET_NOT_CONFIGURED."""
        occasion, admission = _occasion(offer, ticket.date), _admission(offer, ticket)
        if wallet is Wallet.APPLE and self._apple is not None:
            logo = offer.terms.ticket_logo
            return await self._in_turn(partial(_apple_pass, occasion, admission, self._apple, languages, logo))
        if wallet is Wallet.GOOGLE and self._google is not None:
            return await self._in_turn(partial(_google_pass, occasion, admission, self._google, languages, now))
        text = f"Passes for the wallet of {wallet.value.title()} are not offered here."
        raise FailedPrecondition("WALLET_NOT_CONFIGURED", text, metadata={"format": wallet.value})

    async def _in_turn(self, make: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._desk, make)


def _printed(tickets: list[tuple[Occasion, Admission]], languages: Sequence[str], per_page: int, logo: bytes) -> bytes:
    from ticket_documents.printed_tickets import is_logo, print_tickets
    from ticket_documents.texts import language_for

    # The event service looks at the first bytes only; a ticket without a logo is better than none.
    shown, language = logo if is_logo(logo) else None, language_for(languages)
    return print_tickets(tickets, language_code=language, tickets_per_page=per_page, logo=shown)


def _calendar(entries: list[tuple[Occasion, CalendarEntry]], now: datetime, organizer_uri: str) -> bytes:
    from ticket_documents.calendar_entry import Entry, calendar_of, uid_of

    told = [
        Entry(occasion, uid_of(each.booking, each.date), each.sequence, each.called_off) for occasion, each in entries
    ]
    return calendar_of(told, stamp=now, organizer_uri=organizer_uri)


def _apple_pass(
    occasion: Occasion, admission: Admission, signer: "AppleSigner", languages: Sequence[str], logo: bytes
) -> bytes:
    from ticket_documents.apple_pass import apple_pass
    from ticket_documents.texts import language_for

    picture = logo if logo.startswith(b"\x89PNG") else None  # the only kind a pass may hold
    return apple_pass(occasion, admission, signer, language_code=language_for(languages), logo=picture)


def _google_pass(
    occasion: Occasion, admission: Admission, signer: "GoogleSigner", languages: Sequence[str], now: datetime
) -> bytes:
    from ticket_documents.google_pass import google_pass
    from ticket_documents.texts import language_for

    return google_pass(occasion, admission, signer, language_code=language_for(languages), now=now).encode()


def _occasion(offer: Offer, date: str) -> Occasion:
    place = offer.place
    told = Occasion(
        event=offer.event,
        title=offer.title,
        start_time=offer.start_time,
        end_time=offer.end_time,
        time_zone=offer.time_zone,
        venue=place.display_name,
        address=place.address,
        location=place.location,
    )
    on = next((each for each in offer.dates if each.name == date), None)
    if on is None:
        return told
    title = " – ".join(part for part in (offer.title, on.display_name) if part)
    return replace(told, event=on.name, title=title, start_time=on.start_time, end_time=on.end_time)


def _admission(offer: Offer, ticket: Ticket) -> Admission:
    attendee = ticket.attendee.display_name
    return Admission(ticket.name, ticket.code, ticket.display_name, attendee, _seat_of(offer, ticket.seat))


def _seat_of(offer: Offer, seat: str) -> str:
    """`stalls/C/7` as people read it: the section by its name."""
    section, *rest = seat.split("/")
    name = next((each.display_name for each in offer.sections if each.id == section), section)
    return " · ".join(part for part in (name, *rest) if part)
