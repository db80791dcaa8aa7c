"""Domain events of other services that sales are counted from."""

from collections.abc import Callable
from dataclasses import dataclass

from analytics_service.domain.facts import Fact
from analytics_service.domain.ports import Facts, Organizers
from analytics_service.handlers.follow_zone import follow_zone
from analytics_service.handlers.record_fact import record_fact, record_refund
from analytics_service.wire import told
from event_backbone import Received, Subscription
from usher.booking.v1 import domain_events_pb2 as booking
from usher.payment.v1 import domain_events_pb2 as payment
from usher.user.v1 import domain_events_pb2 as user

USER, BOOKING, PAYMENT = (f"analytics.{each}" for each in ("user", "booking", "payment"))


@dataclass(frozen=True, slots=True)
class Listener:
    """Handlers; each may run again for the same domain event and then changes nothing. `wake` says that facts came."""

    facts: Facts
    organizers: Organizers
    wake: Callable[[], None]

    def subscriptions(self) -> list[Subscription]:
        """What this service listens to."""
        organizers = (
            user.OrganizerCreated,
            user.OrganizerUpdated,
            user.MemberAdded,
            user.MemberRoleChanged,
            user.MemberRemoved,
        )
        return [
            Subscription(USER, ["usher.user.v1"], dict.fromkeys(organizers, self.organizer_told)),
            Subscription(
                BOOKING,
                ["usher.booking.v1"],
                {
                    booking.BookingConfirmed: self.booking_confirmed,
                    booking.BookingChanged: self.booking_changed,
                    booking.BookingCancelled: self.booking_cancelled,
                    booking.BookingCompleted: self.booking_completed,
                    booking.BookingNoShow: self.nobody_came,
                    booking.TicketCheckedIn: self.ticket_checked_in,
                    booking.CheckInUndone: self.check_in_undone,
                    booking.PaymentUnclaimed: self.payment_unclaimed,
                },
            ),
            Subscription(PAYMENT, ["usher.payment.v1"], {payment.RefundCompleted: self.refund_completed}),
        ]

    async def organizer_told(self, message: user.OrganizerCreated, received: Received) -> None:
        """All of them carry the organizer's zone."""
        await follow_zone(self.facts, self.organizers, told.zone_of(message.snapshot, received.version))
        self.wake()

    async def booking_confirmed(self, message: booking.BookingConfirmed, received: Received) -> None:
        """Tickets were sold."""
        await self._record(told.confirmation(received.id, received.time, message))

    async def booking_changed(self, message: booking.BookingChanged, received: Received) -> None:
        """Tickets left and came, unless it was a hold."""
        fact = told.change(received.id, received.time, message)
        if fact is not None:
            await self._record(fact)

    async def booking_completed(self, message: booking.BookingCompleted, received: Received) -> None:
        """It is over and somebody was there."""
        await self._record(told.completion(received.id, received.time, message))

    async def nobody_came(self, message: booking.BookingNoShow, received: Received) -> None:
        """It is over and nobody was there."""
        await self._record(told.no_show(received.id, received.time, message))

    async def booking_cancelled(self, message: booking.BookingCancelled, received: Received) -> None:
        """Tickets were cancelled, unless it was a hold."""
        fact = told.cancellation(received.id, received.time, message)
        if fact is not None:
            await self._record(fact)

    async def ticket_checked_in(self, message: booking.TicketCheckedIn, received: Received) -> None:
        """A ticket was used, for the first time."""
        fact = told.check_in(received.id, received.time, message)
        if fact is not None:
            await self._record(fact)

    async def check_in_undone(self, message: booking.CheckInUndone, received: Received) -> None:
        """A ticket was not used after all."""
        fact = told.check_in_undone(received.id, received.time, message)
        if fact is not None:
            await self._record(fact)

    async def payment_unclaimed(self, message: booking.PaymentUnclaimed, received: Received) -> None:
        """Refunds of this payment undo no sale."""
        await self._record(told.unclaimed(received.id, received.time, message))

    async def refund_completed(self, message: payment.RefundCompleted, received: Received) -> None:
        """Money was paid back; what had come twice was never counted."""
        if message.refund.surplus:
            return
        await record_refund(self.facts, self.organizers, told.refund(received.id, received.time, message))
        self.wake()

    async def _record(self, fact: Fact) -> None:
        await record_fact(self.facts, self.organizers, fact)
        self.wake()
