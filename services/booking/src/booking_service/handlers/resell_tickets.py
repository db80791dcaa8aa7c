"""Offers tickets for resale and takes offers back."""

from collections.abc import Sequence

from booking_service.domain.commands import OfferForResale, WithdrawResaleOffer
from booking_service.domain.ports import Desk
from booking_service.domain.resale_offer import ResaleBatch, ResaleOffer
from booking_service.domain.resale_ports import ResaleReader
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.ids import new_id
from domain_kit.repository import Cause


async def offer_for_resale(
    desk: Desk,
    offers: ResaleReader,
    *,
    booking: str,
    tickets: Sequence[str],
    by_terms: bool,
    etag: str,
    cause: Cause,
) -> Sequence[ResaleOffer]:
    """One a ticket, as they are by now. Refusals as `OfferForResale`."""
    event = event_of(booking)
    names = tuple(f"{event}/resaleOffers/{new_id()}" for _ in tickets)
    made = await ask(desk, OfferForResale(event, booking, tuple(tickets), names, by_terms, etag), cause, ResaleBatch)
    return await offers.many(made.offers)


async def withdraw_resale_offer(desk: Desk, *, name: str, etag: str, cause: Cause) -> ResaleOffer:
    """The offer taken back. Refusals as `WithdrawResaleOffer`."""
    return await ask(desk, WithdrawResaleOffer(event_of(name), name, etag), cause, ResaleOffer)
