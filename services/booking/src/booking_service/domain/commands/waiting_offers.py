"""Places that came free go to those who wait for them; those who wait in vain are told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found
from booking_service.domain.commands.hold import Hold
from booking_service.domain.outcome import Outcome, Step, unchanged
from booking_service.domain.records import Key, Record, View
from booking_service.domain.resale_board import all_open
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.tendering import NOT_IN_THAT_CURRENCY
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import Wish, hopeless, servable, waiting_more, wish_of
from domain_kit.refusals import Refusal


@dataclass(frozen=True, slots=True)
class OfferPlaces:
    """Hold free places for those who wait, in the order of their turns.

    entries: of those whose wishes are among `wishes`, the first in order, not leaving anybody out. bookings: as many
    names for new ones. reordered: the inventory's when the entries were looked up. Where more can be served by now, or
    the order has changed, nothing happens: somebody who was not looked at could come first.
    """

    event: str
    entries: tuple[str, ...]
    bookings: tuple[str, ...]
    wishes: frozenset[Wish]
    reordered: int
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The entries, and what their bookings will need."""
        keys: list[Key] = [(WaitingEntry, name) for name in self.entries]
        for key, booking in zip(list(keys), self.bookings, strict=True):
            entry = found.get(key)
            if isinstance(entry, WaitingEntry) and stock.offer is not None:
                keys += self._hold(entry, booking, stock).needs(stock, found)
        # One after the other they take the oldest that are for sale again, past those of their own.
        return [*keys, *((ResaleOffer, name) for name in all_open(stock.inventory))]

    def decide(self, view: View, now: datetime) -> Outcome:
        """INVARIANT: of all who wait and can be served, the first in order is served, as long as there is one.

        An entry that cannot be booked for another reason than too few places lapses with that reason.
        """
        offer, inventory = view.stock.known_offer(), view.stock.inventory
        if inventory.reordered != self.reordered or not servable(offer, inventory).keys() <= self.wishes:
            return unchanged(view.stock, None)
        steps: list[Step] = []
        tallies: list[Record] = []
        names = dict(zip(self.entries, self.bookings, strict=True))
        for entry in sorted((view.get(WaitingEntry, name) for name in self.entries), key=lambda each: each.turn):
            if entry.state is not EntryState.WAITING or wish_of(entry) not in servable(offer, view.stock.inventory):
                continue
            outcome = self._offer(view, entry, names[entry.name], now)
            view = view.after(outcome.stock, outcome.tallies)
            steps += outcome.steps
            tallies += outcome.tallies
        return Outcome(view.stock, None, steps, tallies)

    def _offer(self, view: View, entry: WaitingEntry, booking: str, now: datetime) -> Outcome:
        try:
            held = self._held(view, self._hold(entry, booking, view.stock), now)
        except Refusal as refusal:
            return lapse(view, entry, refusal.reason, now)
        made = held.answer
        until = made.hold_expire_time if isinstance(made, Booking) else None
        stock = held.stock.holding(waiting_more(held.stock.inventory, [entry], -1))
        offered = Step(facts.WaitingListOffered(), entry.offered(booking, until, now))
        return Outcome(stock, None, [*held.steps, offered], held.tallies)

    def _held(self, view: View, hold: Hold, now: datetime) -> Outcome:
        """Whoever waited does not lose their turn for a rate: then they may pay in the event's own currency."""
        try:
            return hold.decide(view, now)
        except Refusal as refusal:
            if refusal.reason not in NOT_IN_THAT_CURRENCY:
                raise
        return replace(hold, currency="").decide(view, now)

    def _hold(self, entry: WaitingEntry, booking: str, stock: Stock) -> Hold:
        wanted = Wanted(entry.ticket_type, entry.quantity, entry.date)
        stands = stock.known_offer().terms.waiting_list.offer_for
        return Hold(self.event, booking, entry.user, (wanted,), stands, entry=entry.name, currency=entry.currency)


@dataclass(frozen=True, slots=True)
class LapseEntries:
    """Tell those of these entries for whose type, date or event there will be no more places."""

    event: str
    entries: tuple[str, ...]
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The entries."""
        return [(WaitingEntry, name) for name in self.entries]

    def decide(self, view: View, now: datetime) -> Outcome:
        """Nothing for those who may still hope."""
        offer = view.stock.known_offer()
        steps: list[Step] = []
        for name in self.entries:
            entry = view.get(WaitingEntry, name)
            reason = hopeless(offer, wish_of(entry), now) if entry.state is EntryState.WAITING else ""
            if reason:
                outcome = lapse(view, entry, reason, now)
                view = view.after(outcome.stock, ())
                steps += outcome.steps
        return Outcome(view.stock, None, steps)


def lapse(view: View, entry: WaitingEntry, reason: str, now: datetime) -> Outcome:
    """An entry that waits does so no more."""
    stock = view.stock.holding(waiting_more(view.stock.inventory, [entry], -1))
    return Outcome(stock, None, [Step(facts.WaitingListLapsed(reason), entry.lapsed(reason, now))])
