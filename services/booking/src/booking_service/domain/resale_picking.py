"""Finds the tickets that are offered for resale for a hold that the pools alone cannot give all it wants."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from booking_service.domain.booking import Booking, Line, own_places
from booking_service.domain.inventory import Inventory
from booking_service.domain.lines import some_of
from booking_service.domain.offer import Offer
from booking_service.domain.records import Key, Record, View
from booking_service.domain.resale import bought
from booking_service.domain.resale_board import count_open, open_offers
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.seat_choice import seated
from booking_service.domain.seat_counts import seats_remaining
from booking_service.domain.selling import Wanted, remaining
from booking_service.domain.waiting_list import left_to_public
from domain_kit.refusals import FailedPrecondition, NotFound

# Read at once: in one batch others may take the oldest, and who looks again for the next waits for a commit.
_WINDOW = 16


def keys_to_pick(
    offer: Offer, inventory: Inventory, wanted: Sequence[Wanted], buyer: str, found: Mapping[Key, Record | None], *,
    waited: bool,
) -> list[Key]:  # fmt: skip
    """The records that `picked` may look at, as far as is known. Nothing where no tickets are for sale again."""
    keys: list[Key] = []
    needed = Counter[tuple[str, str]]()
    for _, each, short in _shortages(offer, inventory, wanted, waited=waited):
        needed[each.ticket_type, each.date] += short
    for kind, count in needed.items():
        usable = 0
        for name in open_offers(inventory, *kind):
            if usable >= count + _WINDOW:
                break
            known = found.get((ResaleOffer, name))
            usable += not (isinstance(known, ResaleOffer) and known.seller == buyer)
            keys.append((ResaleOffer, name))
    return keys


def picked(view: View, wanted: Sequence[Wanted], buyer: str, *, waited: bool) -> dict[int, list[ResaleOffer]]:
    """Number of what is wanted → the oldest offers that make up for what pools lack; none where they do not suffice.

    waited: for an entry of the waiting list, whose turn it is. FailedPrecondition OWN_RESALE_OFFER where they would
    suffice but for those that the buyer sells.
    """
    offer, inventory = view.stock.known_offer(), view.stock.inventory
    found: dict[int, list[ResaleOffer]] = {}
    used: set[str] = set()
    for number, each, short in _shortages(offer, inventory, wanted, waited=waited):
        offers: list[ResaleOffer] = []
        own = 0
        for name in _for_buyer(offer, inventory, each, waited=waited):
            if len(offers) == short:
                break
            one = view.get(ResaleOffer, name) if name not in used else None
            own += one is not None and one.seller == buyer
            if one is not None and one.seller != buyer:
                offers.append(one)
        if len(offers) == short:
            found[number] = offers
            used.update(one.name for one in offers)
        elif own and len(offers) + own >= short:
            raise FailedPrecondition(
                "OWN_RESALE_OFFER",
                "The tickets that are left are those that you offer for resale; withdraw the offer to keep them.",
                metadata={"ticket_type": each.ticket_type},
            )
    return found


def with_bought(lines: Sequence[Line], picks: Mapping[int, Sequence[ResaleOffer]]) -> tuple[Line, ...]:
    """The lines with the last tickets replaced by those of others, each at what it cost its seller."""
    if not picks:
        return tuple(lines)
    own: list[Line] = []
    theirs: list[Line] = []
    for number, line in enumerate(lines):
        offers = picks.get(number, ())
        kept = line.quantity - len(offers)
        if kept:
            own.append(some_of(line, range(kept)))
        for unit, offer in enumerate(offers, kept):
            theirs.append(
                replace(offer.line, attendees=some_of(line, [unit]).attendees, resale_offer=offer.name)
            )  # fmt: skip
    return (*own, *theirs)


def seated_beside(view: View, booking: Booking, seat: Callable[[View, Booking], Booking] = seated) -> Booking:
    """The booking with seats, see `seated` and `seated_again`: tickets of others bring their own."""
    theirs = bought(booking)
    if not theirs:
        return seat(view, booking)
    own = replace(booking, lines=tuple(own_places(booking.lines)))
    return replace(booking, lines=(*seat(view, own).lines, *theirs)) if own.lines else booking


def _shortages(
    offer: Offer, inventory: Inventory, wanted: Sequence[Wanted], *, waited: bool
) -> Iterator[tuple[int, Wanted, int]]:
    """Number of what is wanted, what it is, and how many of it are short; only of what is for sale again.

    Chosen seats are those or none, and nobody knows whether a seat that somebody sells is accessible.
    """
    if not inventory.resale:
        return
    public = inventory if waited else left_to_public(offer, inventory)
    taken = Counter(public.taken)
    for number, each in enumerate(wanted):
        kind = offer.find_ticket_type(each.ticket_type)
        if kind is None:
            return
        try:
            pools = offer.pools_of(kind, each.date)
        except NotFound:  # a bundle of something that is not sold any more
            return
        fits = min(each.quantity, remaining(offer, replace(public, taken=taken), pools))
        seats = seats_remaining(offer, inventory.seats, kind.name, each.date) if offer.sections else None
        fits = fits if seats is None else min(fits, seats)
        for pool in pools:
            taken[pool] += fits
        choosy = each.seats or each.accessible_seats
        if fits < each.quantity and not choosy and count_open(public, each.ticket_type, each.date):
            yield number, each, each.quantity - fits


def _for_buyer(offer: Offer, inventory: Inventory, wanted: Wanted, *, waited: bool) -> tuple[str, ...]:
    """The oldest open offers, but as many fewer as those who wait come first for."""
    names = open_offers(inventory, wanted.ticket_type, wanted.date)
    if waited:
        return names
    return names[: count_open(left_to_public(offer, inventory), wanted.ticket_type, wanted.date)]
