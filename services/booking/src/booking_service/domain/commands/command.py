"""What all commands have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Protocol

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.occupancy import change_vacated, keys_with_change
from booking_service.domain.outcome import Outcome, Step
from booking_service.domain.records import Key, Record, View
from booking_service.domain.states import LIFE, BookingAction, BookingState
from booking_service.domain.stock import Stock

Found = Mapping[Key, Record | None]


class Command(Protocol):
    """A request to change what belongs to one event.

    etag: what the caller saw of its `subject`, "" for no check. recorded: whether it is remembered also when it changes
    nothing.
    """

    recorded: ClassVar[bool]

    @property
    def event(self) -> str:
        """The event's resource name."""

    @property
    def etag(self) -> str:
        """The expected etag."""

    @property
    def subject(self) -> Key | None:
        """What it is about, when that exists already. Of two commands on one subject the later waits for a commit."""

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The records that `decide` may look at, as far as is known; asked again until it names no more.

        `stock` may be without its offer, and is never newer than the one `decide` gets.
        """

    def decide(self, view: View, now: datetime) -> Outcome:
        """The outcome, or a refusal. Pure; may be asked again on fresher state."""


class OnBooking:
    """A command about one booking that exists already."""

    __slots__ = ()
    booking: str

    @property
    def subject(self) -> Key:
        """The booking."""
        return Booking, self.booking

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The booking, then what it and its pending change occupy."""
        booking = found.get((Booking, self.booking))
        return [(Booking, self.booking), *(keys_with_change(booking) if isinstance(booking, Booking) else ())]


def change_dropped(
    view: View, booking: Booking, now: datetime, *, withdrawn: bool = False, reason: str = ""
) -> tuple[Step, Stock, list[Record]]:
    """A pending change ends without effect: what it took is free again."""
    stock, tallies = change_vacated(view, booking)
    after = replace(booking, pending=None, price_change=None, hold_expire_time=None, update_time=now)
    return Step(facts.BookingChangeExpired(withdrawn, reason), after), stock, tallies


def refuse_late(booking: Booking, action: BookingAction, now: datetime) -> None:
    """INVARIANT: a hold whose time ran out counts as expired at once, not only when somebody has written it down."""
    LIFE.after(BookingState.EXPIRED if booking.hold_is_over(now) else booking.state, action)
