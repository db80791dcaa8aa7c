"""Somebody joins a waiting list, leaves it, or is put before others on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found
from booking_service.domain.occupancy import all_vacated, keys_with_change
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.package import check_package
from booking_service.domain.records import Key, View
from booking_service.domain.selling import check_window, require_on_sale
from booking_service.domain.stock import Stock
from booking_service.domain.tendering import require_offered
from booking_service.domain.waiting_entry import (
    ENTRY_LIFE,
    EntryAction,
    EntryState,
    Waiter,
    WaitingEntry,
    waiter_key,
    waiting_list_closed,
)
from booking_service.domain.waiting_list import left_for, left_to_public, most_ever, waiting_more
from domain_kit.refusals import AlreadyExists, FailedPrecondition, NotFound

LEFT = "WAITING_LIST_LEFT"


@dataclass(frozen=True, slots=True)
class JoinWaitingList:
    """Wait for places. `entry`: the name the new one shall have."""

    event: str
    entry: str
    user: str
    ticket_type: str
    date: str
    quantity: int
    currency: str = ""
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The user's newest entry for the same."""
        key = waiter_key(self.event, self.user, self.ticket_type, self.date)
        waiter = found.get(key)
        return [key, (WaitingEntry, waiter.entry)] if isinstance(waiter, Waiter) else [key]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition WAITING_LIST_CLOSED, STILL_AVAILABLE, QUANTITY_TOO_LARGE, CURRENCY_NOT_OFFERED,
        and those of a booking that could not be made whatever is free; InvalidArgument CURRENCY_UNKNOWN; AlreadyExists
        ALREADY_WAITING.
        """
        offer = view.stock.known_offer()
        self._check(offer, now)
        waiter = view.find(*waiter_key(self.event, self.user, self.ticket_type, self.date))
        if waiter is not None and (former := view.get(WaitingEntry, waiter.entry)).state.live:
            raise AlreadyExists("ALREADY_WAITING", "You wait for this already.", metadata={"entry": former.name})
        inventory, kind = view.stock.inventory, offer.ticket_type(self.ticket_type)
        left = left_for(offer, left_to_public(offer, inventory), kind, self.date)
        if left >= self.quantity:
            raise FailedPrecondition(
                "STILL_AVAILABLE", "So many places can be booked now.", metadata={"remaining": str(left)}
            )
        entry = WaitingEntry(
            name=self.entry,
            event=self.event,
            organizer=offer.organizer,
            user=self.user,
            ticket_type=self.ticket_type,
            date=self.date,
            quantity=self.quantity,
            number=inventory.arrivals + 1,
            state=EntryState.WAITING,
            create_time=now,
            update_time=now,
            currency=self.currency,
        )
        waiting = replace(waiting_more(inventory, [entry]), arrivals=entry.number)
        tally = Waiter(self.event, self.user, self.ticket_type, self.date, self.entry)
        if waiter is not None:
            tally = replace(waiter, entry=self.entry)
        return changed(view.stock.holding(waiting), Step(facts.WaitingListJoined(), entry), tallies=[tally])

    def _check(self, offer: Offer, now: datetime) -> None:
        """That such an entry may wait in this event at all."""
        if not offer.published or not offer.terms.waiting_list.enabled:
            raise waiting_list_closed(self.event, "This event has no waiting list.")
        kind, date = offer.ticket_type(self.ticket_type), offer.date(self.date)
        if kind.hidden:
            raise NotFound.named(kind.name)
        if kind.add_on:
            raise waiting_list_closed(self.event, "One cannot wait for what is sold beside tickets only.")
        require_on_sale(offer)
        require_offered(offer, kind, self.currency)
        check_window(offer, kind, now, date)
        check_package(offer, [(kind, self.quantity, self.date)])
        most = min(offer.terms.waiting_list.most, most_ever(offer, kind, self.date))
        if self.quantity > most:
            raise FailedPrecondition(
                "QUANTITY_TOO_LARGE", f"One can wait for at most {most}.", metadata={"max_quantity": str(most)}
            )


@dataclass(frozen=True, slots=True)
class OnEntry:
    """A command about one entry that exists already."""

    event: str
    entry: str
    etag: str

    @property
    def subject(self) -> Key:
        """The entry."""
        return WaitingEntry, self.entry


@dataclass(frozen=True, slots=True)
class LeaveWaitingList(OnEntry):
    """Take an entry off the list; an offer it has is cancelled."""

    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The entry, the booking that was offered to it, and what that occupies."""
        entry = found.get(self.subject)
        offered = (Booking, entry.booking) if isinstance(entry, WaitingEntry) and entry.booking else None
        if offered is None:
            return [self.subject]
        booking = found.get(offered)
        return [self.subject, offered, *(keys_with_change(booking) if isinstance(booking, Booking) else ())]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition WAITING_LIST_ENTRY_FULFILLED, WAITING_LIST_ENTRY_LAPSED."""
        entry, stock = view.get(*self.subject), view.stock
        if entry.state is EntryState.LEFT:
            return unchanged(stock, entry)
        after = entry.left(now)
        if entry.state is EntryState.WAITING:
            stock = stock.holding(waiting_more(stock.inventory, [entry], -1))
            return changed(stock, Step(facts.WaitingListLeft(), after))
        booking = view.get(Booking, entry.booking)
        if booking.hold_is_over(now):  # the offer has passed, only nobody has written that down yet
            ENTRY_LIFE.after(EntryState.LAPSED, EntryAction.LEAVE)
        cancelled, fact = booking.cancelled(LEFT, 0, now)  # of a hold nothing was paid
        stock, tallies = all_vacated(view, booking)
        return changed(stock, Step(fact, cancelled), Step(facts.WaitingListLeft(), after), tallies=tallies)


@dataclass(frozen=True, slots=True)
class SetWaitingPriority(OnEntry):
    """Put an entry that waits before or behind others."""

    priority: int
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The entry."""
        return [self.subject]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition WAITING_LIST_ENTRY_OFFERED and so on."""
        entry, inventory = view.get(*self.subject), view.stock.inventory
        after = entry.prioritized(self.priority, now)
        if entry.priority == self.priority:
            return unchanged(view.stock, entry)
        stock = view.stock.holding(replace(inventory, reordered=inventory.reordered + 1))
        return changed(stock, Step(facts.WaitingListPriorityChanged(), after))
