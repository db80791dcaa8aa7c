"""Domain events of other services that cause mail, or tell whom and what it is about."""

from dataclasses import dataclass

from domain_kit.clock import Clock
from event_backbone import NotYet, Received, Subscription
from notification_service.domain.letter import Admission, Letter, Occasion
from notification_service.domain.people import Person
from notification_service.domain.ports import Directory, Notifications
from notification_service.handlers import write_letters
from notification_service.handlers.queue_letter import queue_letter
from notification_service.wire.others import event_of, exchange_from_wire, occasion_from_wire, person_from_wire
from resource_api import money_from_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking
from usher.event.v1 import domain_events_pb2 as event
from usher.payment.v1 import domain_events_pb2 as payment
from usher.user.v1 import domain_events_pb2 as user

RESOLD = "RESOLD"  # reason of a booking that ended because its last ticket was sold on
USER, EVENT, BOOKING, PAYMENT = (f"notification.{each}" for each in ("user", "event", "booking", "payment"))


@dataclass(frozen=True, slots=True)
class MailCauses:
    """Handlers; each may run again for the same domain event and then changes nothing."""

    notifications: Notifications
    directory: Directory
    clock: Clock

    def subscriptions(self) -> list[Subscription]:
        """What this service listens to."""
        people = (user.UserRegistered, user.EmailVerified, user.UserUpdated)
        occasions = (
            event.EventCreated,
            event.EventUpdated,
            event.EventPublished,
            event.EventCancelled,
            event.EventDeleted,
        )
        return [
            Subscription(
                USER,
                ["usher.user.v1"],
                dict.fromkeys(people, self.user_told) | {user.EmailVerificationRequested: self.verification_requested},
            ),
            Subscription(EVENT, ["usher.event.v1"], dict.fromkeys(occasions, self.event_told)),
            Subscription(
                BOOKING,
                ["usher.booking.v1"],
                {
                    booking.BookingConfirmed: self.booking_confirmed,
                    booking.BookingCancelled: self.booking_cancelled,
                    booking.BookingApprovalRequested: self.approval_requested,
                    booking.BookingApproved: self.booking_approved,
                    booking.BookingRejected: self.booking_rejected,
                    booking.BookingChanged: self.booking_changed,
                    booking.BookingChangeHeld: self.change_held,
                    booking.TicketTransferred: self.ticket_transferred,
                    booking.ResaleOfferSold: self.ticket_resold,
                    booking.WaitingListOffered: self.places_offered,
                    booking.WaitingListLapsed: self.waited_in_vain,
                },
            ),
            Subscription(
                PAYMENT,
                ["usher.payment.v1"],
                {
                    payment.PaymentFailed: self.payment_failed,
                    payment.RefundCompleted: self.refund_completed,
                    payment.InvoiceIssued: self.invoice_issued,
                },
            ),
        ]

    async def user_told(self, message: user.UserRegistered, received: Received) -> None:
        """Remember address, name and language."""
        await self.directory.follow_person(person_from_wire(message.user), received.version)

    async def verification_requested(self, message: user.EmailVerificationRequested, received: Received) -> None:
        """Mail the token, unless it has ended by now."""
        person = person_from_wire(message.user)
        await self.directory.follow_person(person, received.version)
        if self.clock() < message.expire_time.ToDatetime(self.clock().tzinfo):
            await self._queue(USER, person, write_letters.email_verification(person, message.token), received)

    async def event_told(self, message: event.EventCreated, received: Received) -> None:
        """Remember title, time and place."""
        await self.directory.follow_occasion(occasion_from_wire(message.snapshot.event), received.version)

    async def booking_confirmed(self, message: booking.BookingConfirmed, received: Received) -> None:
        """Mail the tickets."""
        told = message.booking
        person, occasion = await self._buyer(told), await self._occasion(told.event)
        if person is None:
            return
        admissions = tuple(Admission(each.code, each.display_name) for each in told.tickets)
        letter = write_letters.booking_confirmed(
            person, occasion, told.name, money_from_wire(told.total), admissions, exchange_from_wire(told)
        )
        await self._queue(BOOKING, person, letter, received)

    async def booking_cancelled(self, message: booking.BookingCancelled, received: Received) -> None:
        """Mail that the tickets no longer admit; one whose last ticket was sold on has a mail that says so."""
        told = message.booking
        if message.reason == RESOLD:
            return
        person, occasion = await self._buyer(told), await self._occasion(told.event)
        if person is None:
            return
        refund_due = money_from_wire(message.refund_due) if message.HasField("refund_due") else None
        letter = write_letters.booking_cancelled(person, occasion, told.name, message.reason, refund_due)
        await self._queue(BOOKING, person, letter, received)

    async def places_offered(self, message: booking.WaitingListOffered, received: Received) -> None:
        """Mail until when places are held, unless that is over by now."""
        told = message.waiting_list_entry
        person, occasion = await self._person(told.user), await self._occasion(told.event)
        until = told.offer_expire_time.ToDatetime(self.clock().tzinfo)
        if self.clock() < until:
            letter = write_letters.waiting_list_offered(person, occasion, told.booking, told.quantity, until)
            await self._queue(BOOKING, person, letter, received)

    async def waited_in_vain(self, message: booking.WaitingListLapsed, received: Received) -> None:
        """Mail why there will be no places."""
        told = message.waiting_list_entry
        person, occasion = await self._person(told.user), await self._occasion(told.event)
        letter = write_letters.waiting_list_lapsed(person, occasion, message.reason, offered=bool(told.booking))
        await self._queue(BOOKING, person, letter, received)

    async def approval_requested(self, message: booking.BookingApprovalRequested, received: Received) -> None:
        """Mail that the organizer has to agree."""
        told = message.booking
        person, occasion = await self._person(told.buyer), await self._occasion(told.event)
        await self._queue(BOOKING, person, write_letters.booking_waits(person, occasion, told.name), received)

    async def booking_approved(self, message: booking.BookingApproved, received: Received) -> None:
        """Mail until when it can be paid, unless that is over; what is free has a mail of its confirmation."""
        told = message.booking
        total, until = money_from_wire(told.total), told.hold_expire_time.ToDatetime(self.clock().tzinfo)
        if not total or until <= self.clock():
            return
        person, occasion = await self._person(told.buyer), await self._occasion(told.event)
        letter = write_letters.booking_approved(person, occasion, told.name, total, until, exchange_from_wire(told))
        await self._queue(BOOKING, person, letter, received)

    async def booking_rejected(self, message: booking.BookingRejected, received: Received) -> None:
        """Mail that the organizer did not agree."""
        told = message.booking
        person, occasion = await self._person(told.buyer), await self._occasion(told.event)
        letter = write_letters.booking_rejected(person, occasion, told.name, message.reason)
        await self._queue(BOOKING, person, letter, received)

    async def booking_changed(self, message: booking.BookingChanged, received: Received) -> None:
        """Mail the buyer's tickets as they are now; a change of what is only held causes none."""
        told = message.booking
        if told.state == booking_pb2.BOOKING_STATE_HELD:
            return
        person, occasion = await self._buyer(told), await self._occasion(told.event)
        if person is None:
            return
        valid = (
            each for each in told.tickets
            if each.state == booking_pb2.TICKET_STATE_VALID and not each.transferred
        )  # fmt: skip
        refund_due = money_from_wire(message.refund_due) if message.HasField("refund_due") else None
        letter = write_letters.booking_changed(
            person, occasion, told.name, money_from_wire(told.total), refund_due,
            tuple(Admission(each.code, each.display_name) for each in valid), exchange_from_wire(told),
        )  # fmt: skip
        await self._queue(BOOKING, person, letter, received)

    async def change_held(self, message: booking.BookingChangeHeld, received: Received) -> None:
        """Mail what is to be paid for a change."""
        told = message.booking
        person, occasion = await self._buyer(told), await self._occasion(told.event)
        if person is None:
            return
        letter = write_letters.change_to_pay(person, occasion, told.name, money_from_wire(told.amount_due))
        await self._queue(BOOKING, person, letter, received)

    async def ticket_transferred(self, message: booking.TicketTransferred, received: Received) -> None:
        """Mail the ticket to who has it now, with an account or without."""
        told, ticket = message.booking, message.new_ticket
        occasion = await self._occasion(told.event)
        person = Person(told.organizer, ticket.attendee.email, ticket.attendee.display_name)
        admission = Admission(ticket.code, ticket.display_name)
        letter = write_letters.ticket_transferred(person, occasion, told.name, admission)
        await self._queue(BOOKING, person, letter, received)

    async def ticket_resold(self, message: booking.ResaleOfferSold, received: Received) -> None:
        """Mail the seller that their ticket is somebody else's now."""
        told = message.resale_offer
        person, occasion = await self._person(told.seller), await self._occasion(told.event)
        letter = write_letters.ticket_resold(person, occasion, told.booking, money_from_wire(told.price))
        await self._queue(BOOKING, person, letter, received)

    async def payment_failed(self, message: payment.PaymentFailed, received: Received) -> None:
        """Mail that it can be tried again."""
        told = message.payment
        person, occasion = await self._person(told.payer), await self._occasion(event_of(told.booking))
        amount = money_from_wire(told.amount)
        letter = write_letters.payment_failed(person, occasion, told.booking, amount, told.failure.message)
        await self._queue(PAYMENT, person, letter, received)

    async def refund_completed(self, message: payment.RefundCompleted, received: Received) -> None:
        """Mail how much comes back."""
        told = message.payment
        person, occasion = await self._person(told.payer), await self._occasion(event_of(told.booking))
        amount = money_from_wire(message.refund.amount)
        letter = write_letters.refund_completed(person, occasion, told.booking, amount, message.refund.reason)
        await self._queue(PAYMENT, person, letter, received)

    async def invoice_issued(self, message: payment.InvoiceIssued, received: Received) -> None:
        """Mail it with its PDF, where its organizer wants that; of a credit note the amount that comes back."""
        told = message.invoice
        if not message.mailed:
            return
        person, total = await self._person(told.buyer), money_from_wire(told.total)
        letter = write_letters.invoice_issued(
            person, told.number, told.seller_display_name, told.booking, told.corrected_number,
            total * -1 if told.corrected_number else total, told.SerializeToString(deterministic=True),
        )  # fmt: skip
        await self._queue(PAYMENT, person, letter, received)

    async def _queue(self, consumer: str, person: Person, letter: Letter, received: Received) -> None:
        await queue_letter(
            self.notifications,
            person,
            letter,
            event_id=received.id,
            resource=received.subject,
            cause=received.cause(consumer),
            now=self.clock(),
        )

    async def _person(self, name: str) -> Person:
        person = await self.directory.person(name)
        if person is None:
            raise NotYet(f"Nothing was told of {name} yet.")
        return person

    async def _buyer(self, told: booking_pb2.Booking) -> Person | None:
        """None for a booking that an organizer made for somebody without account and address."""
        if told.buyer:
            return await self._person(told.buyer)
        contact = told.contact
        return Person(told.organizer, contact.email, contact.display_name) if contact.email else None

    async def _occasion(self, name: str) -> Occasion:
        occasion = await self.directory.occasion(name)
        if occasion is None:
            raise NotYet(f"Nothing was told of {name} yet.")
        return occasion
