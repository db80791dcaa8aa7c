"""Documents of tickets, from booking's own copy of the event; what draws and signs them is imported when first used."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
        self,
        offer: Offer,
        tickets: Sequence[Ticket],
        *,
        languages: Sequence[str],
        per_page: int,
        logo: bytes | None = None,
    ) -> bytes:
        """A PDF; `logo` is the organizer's, PNG or JPEG."""
        admissions = [_admission(each) for each in tickets]
        return await self._in_turn(partial(_printed, _occasion(offer), admissions, languages, per_page, logo))

    async def calendar(self, offer: Offer, entry: CalendarEntry, now: datetime) -> bytes:
        """An iCalendar object."""
        organizer_uri = f"{self._platform_uri}/v1/{offer.organizer}"
        return await self._in_turn(partial(_calendar, _occasion(offer), entry, now, organizer_uri))

    async def wallet_pass(
        self, wallet: Wallet, offer: Offer, ticket: Ticket, *, languages: Sequence[str], now: datetime
    ) -> bytes:
        """FailedPrecondition WALLET_NOT_CONFIGURED."""
        occasion, admission = _occasion(offer), _admission(ticket)
        if wallet is Wallet.APPLE and self._apple is not None:
            return await self._in_turn(partial(_apple_pass, occasion, admission, self._apple, languages))
        if wallet is Wallet.GOOGLE and self._google is not None:
            return await self._in_turn(partial(_google_pass, occasion, admission, self._google, languages, now))
        text = f"Passes for the wallet of {wallet.value.title()} are not offered here."
        raise FailedPrecondition("WALLET_NOT_CONFIGURED", text, metadata={"format": wallet.value})

    async def _in_turn(self, make: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._desk, make)


def _printed(
    occasion: Occasion, admissions: list[Admission], languages: Sequence[str], per_page: int, logo: bytes | None
) -> bytes:
    from ticket_documents.printed_tickets import print_tickets
    from ticket_documents.texts import language_for

    language = language_for(languages)
    return print_tickets(occasion, admissions, language_code=language, tickets_per_page=per_page, logo=logo)


def _calendar(occasion: Occasion, entry: CalendarEntry, now: datetime, organizer_uri: str) -> bytes:
    from ticket_documents.calendar_entry import Method, calendar_entry, uid_of

    return calendar_entry(
        occasion, uid=uid_of(entry.booking), stamp=now, method=Method.CANCEL if entry.called_off else Method.PUBLISH,
        sequence=entry.sequence, organizer_uri=organizer_uri,
    )  # fmt: skip


def _apple_pass(occasion: Occasion, admission: Admission, signer: "AppleSigner", languages: Sequence[str]) -> bytes:
    from ticket_documents.apple_pass import apple_pass
    from ticket_documents.texts import language_for

    return apple_pass(occasion, admission, signer, language_code=language_for(languages))


def _google_pass(
    occasion: Occasion, admission: Admission, signer: "GoogleSigner", languages: Sequence[str], now: datetime
) -> bytes:
    from ticket_documents.google_pass import google_pass
    from ticket_documents.texts import language_for

    return google_pass(occasion, admission, signer, language_code=language_for(languages), now=now).encode()


def _occasion(offer: Offer) -> Occasion:
    return Occasion(
        event=offer.event,
        title=offer.title,
        start_time=offer.start_time,
        end_time=offer.end_time,
        time_zone=offer.time_zone,
        venue=offer.place.display_name,
        address=offer.place.address,
        location=offer.place.location,
    )


def _admission(ticket: Ticket) -> Admission:
    return Admission(ticket.name, ticket.code, ticket.display_name)
