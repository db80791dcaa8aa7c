"""A booking begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import check_details
from booking_service.domain.booking import Booking, total_of
from booking_service.domain.commands.command import Found
from booking_service.domain.deadlines import until_it_begins, until_it_ends, until_sale_ends
from booking_service.domain.occupancy import occupied
from booking_service.domain.outcome import Outcome, Step, changed
from booking_service.domain.people import is_limited, person_key
from booking_service.domain.questions import Answer
from booking_service.domain.records import Key, View
from booking_service.domain.redeeming import keys_of_codes, redeeming
from booking_service.domain.resale import Resale, bought, reserve
from booking_service.domain.resale_picking import keys_to_pick, picked, seated_beside, with_bought
from booking_service.domain.seat_choice import section_keys
from booking_service.domain.selling import Wanted, choose_lines, needs_approval, require_on_sale
from booking_service.domain.states import BookingState
from booking_service.domain.stock import Stock
from booking_service.domain.tariffs import given_discounts
from booking_service.domain.tendering import tendered
from booking_service.domain.waiting_room import check_unasked


@dataclass(frozen=True, slots=True)
class Hold:
    """Take places and hold them for the buyer. `booking`: the name the new one shall have. hold_for: the platform's.

    entry: of the waiting list, that the places are offered to. currency: to be paid in; "": the event's own.
    unasked: nobody asked the buyer for a turn in the waiting room, since there was none by the offer as it was known.
    """

    event: str
    booking: str
    buyer: str
    wanted: Sequence[Wanted]
    hold_for: timedelta
    voucher_codes: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    entry: str = ""
    currency: str = ""
    unasked: bool = False
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The tally of the buyer, where the event has limits; the vouchers; the seats; tickets that others sell."""
        limited = stock.offer is not None and is_limited(stock.offer)
        people: list[Key] = [person_key(self.event, self.buyer)] if limited else []
        seats = () if stock.offer is None else section_keys(stock.offer, self.wanted)
        return [*people, *keys_of_codes(self.event, self.voucher_codes), *seats, *self._resale_keys(stock, found)]

    def _resale_keys(self, stock: Stock, found: Found) -> Sequence[Key]:
        """Nothing, where nobody sells tickets on: the way of nearly all holds."""
        if not stock.inventory.resale or stock.offer is None or self.voucher_codes:
            return ()
        waited = bool(self.entry)
        return keys_to_pick(stock.offer, stock.inventory, self.wanted, self.buyer, found, waited=waited)

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound for an unknown event; RoomOpened; as `redeeming`, `choose_lines`, `with_vouchers`, `picked`,
        `tendered`, `seated` and `occupied`; InvalidArgument as `check_details`.
        """
        offer = view.stock.known_offer()
        check_unasked(offer, unasked=self.unasked)
        require_on_sale(offer)
        codes = redeeming(view, self.event, self.voucher_codes, now)
        lines = choose_lines(offer, view.stock.inventory, self.wanted, now, codes.benefit, opens=codes.opens)
        lines = codes.with_vouchers(offer, lines)
        waits = needs_approval(offer, lines)
        if view.stock.inventory.resale and not self.voucher_codes and not waits:
            lines = with_bought(lines, picked(view, self.wanted, self.buyer, waited=bool(self.entry)))
        lines, rate = tendered(offer, lines, self.currency, now)
        check_details(offer, lines, self.answers)
        if waits:
            until = until_it_begins(offer, lines, now + offer.terms.approve_within, now)
        elif self.entry:
            until = until_sale_ends(offer, lines, now + self.hold_for)
        else:
            until = until_it_ends(offer, lines, now + (offer.terms.hold_for or self.hold_for))
        booking = Booking(
            name=self.booking,
            event=self.event,
            organizer=offer.organizer,
            buyer=self.buyer,
            state=BookingState.PENDING_APPROVAL if waits else BookingState.HELD,
            lines=lines,
            total=total_of(lines),
            create_time=now,
            update_time=now,
            hold_expire_time=until,
            voucher_codes=self.voucher_codes,
            answers=self.answers,
            entry=self.entry,
            counted=is_limited(offer),
            exchange_rate=rate,
            discounts=given_discounts(offer, lines, now),
        )
        booking = seated_beside(view, booking)
        stock, tallies = occupied(view, booking)
        fact = facts.BookingApprovalRequested() if waits else facts.BookingHeld()
        if not bought(booking):
            return changed(stock, Step(fact, booking), tallies=tallies)
        # So that an unpaid ticket is its seller's again for the event.
        booking = replace(booking, hold_expire_time=until_sale_ends(offer, bought(booking), until))
        held = reserve(Resale(view.after(stock, tallies)), booking, now)
        return changed(held.stock, *held.steps, Step(fact, booking), tallies=tallies)
