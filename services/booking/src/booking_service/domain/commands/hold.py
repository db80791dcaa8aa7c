"""A booking begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import check_details
from booking_service.domain.booking import Booking, total_of
from booking_service.domain.commands.command import Found
from booking_service.domain.occupancy import occupied
from booking_service.domain.outcome import Outcome, Step, changed
from booking_service.domain.people import is_limited, person_key
from booking_service.domain.questions import Answer
from booking_service.domain.records import Key, View
from booking_service.domain.redeeming import keys_of_codes, redeeming
from booking_service.domain.seat_choice import seated, section_keys
from booking_service.domain.selling import Wanted, choose_lines, needs_approval, require_on_sale
from booking_service.domain.states import BookingState
from booking_service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class Hold:
    """Take places and hold them for the buyer. `booking`: the name the new one shall have. hold_for: the platform's.

    entry: of the waiting list, that the places are offered to.
    """

    event: str
    booking: str
    buyer: str
    wanted: Sequence[Wanted]
    hold_for: timedelta
    voucher_codes: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    entry: str = ""
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The tally of the buyer, where the event has limits; the vouchers; the seats."""
        limited = stock.offer is not None and is_limited(stock.offer)
        people: list[Key] = [person_key(self.event, self.buyer)] if limited else []
        seats = () if stock.offer is None else section_keys(stock.offer, self.wanted)
        return [*people, *keys_of_codes(self.event, self.voucher_codes), *seats]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound for an unknown event; and as `redeeming`, `choose_lines`, `with_vouchers`, `seated` and `occupied`;
        InvalidArgument as `check_details`.
        """
        offer = view.stock.known_offer()
        require_on_sale(offer)
        codes = redeeming(view, self.event, self.voucher_codes, now)
        lines = choose_lines(offer, view.stock.inventory, self.wanted, now, codes.benefit, opens=codes.opens)
        lines = codes.with_vouchers(offer, lines)
        check_details(offer, lines, self.answers)
        waits = needs_approval(offer, lines)
        usual = self.hold_for if self.entry else offer.terms.hold_for or self.hold_for
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
            hold_expire_time=now + (offer.terms.approve_within if waits else usual),
            voucher_codes=self.voucher_codes,
            answers=self.answers,
            entry=self.entry,
            counted=is_limited(offer),
        )
        booking = seated(view, booking)
        stock, tallies = occupied(view, booking)
        return changed(stock, Step(facts.BookingHeld(), booking), tallies=tallies)
