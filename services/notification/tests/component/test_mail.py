"""Domain events become mails: one a cause, whatever is repeated, late or down."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from domain_kit.repository import Cause
from event_backbone import NotYet, Received
from mongo_store import Journal, MongoOutbox, open_database
from mongo_store.schema import prepare
from notification_service.composition import SCHEMA
from notification_service.domain.notification import Notification, State
from notification_service.domain.ports import Post
from notification_service.handlers.deliver_letters import LINES, Patience, deliver_letters
from notification_service.inbound.consumers import MailCauses
from notification_service.inbound.postman import Postman
from notification_service.outbound.repositories import MongoNotifications, ToldByOthers
from notification_service.outbound.smtp_lines import SmtpLines
from notification_service.outbound.smtp_post import SmtpPost
from notification_service.outbound.writing import Writer
from resilience import Resilient
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as facts
from usher.booking.v1.resale_offer_pb2 import ResaleOffer
from usher.booking.v1.waiting_list_entry_pb2 import WaitingListEntry
from usher.event.v1.domain_events_pb2 import EventPublished, EventSnapshot
from usher.event.v1.event_pb2 import Event
from usher.user.v1.domain_events_pb2 import EmailVerificationRequested, UserRegistered
from usher.user.v1.user_pb2 import User

USER, EVENT = f"users/{new_id()}", f"events/{new_id()}"


def received(subject: str, version: int = 1, id: str = "") -> Received:
    return Received(id or new_id(), "t", subject, version, utc_now(), "corr", "")


class Service:
    """The parts of the service between the broker and the mail server."""

    def __init__(self, journal: Journal, post: Post) -> None:
        self.journal, self.post = journal, post
        self.notifications = MongoNotifications(journal)
        self.causes = MailCauses(self.notifications, ToldByOthers.of(journal.database), utc_now)
        self.patience, self.now = Patience(), utc_now()

    async def know_everybody(self) -> None:
        user = User(name=USER, email="ada@example.org", display_name="Ada", language_code="en-CA")
        await self.causes.user_told(UserRegistered(user=user), received(USER))
        event = Event(name=EVENT, title="PyCon", time_zone="America/Toronto")
        event.start_time.FromDatetime(datetime(2027, 6, 1, 13, tzinfo=UTC))
        event.end_time.FromDatetime(datetime(2027, 6, 1, 21, tzinfo=UTC))
        await self.causes.event_told(EventPublished(snapshot=EventSnapshot(event=event)), received(EVENT))

    async def confirm(self, id: str = "") -> None:
        await self.causes.booking_confirmed(confirmed(), received("booking", id=id))

    async def deliver(self, later: timedelta = timedelta()) -> int:
        return await deliver_letters(self.notifications, self.post, self.patience, lambda: utc_now() + later)

    async def states(self) -> list[State]:
        page = await self.notifications.of_user(USER, None, 100)
        return [each.state for each in page.items]


def confirmed() -> facts.BookingConfirmed:
    booking = booking_pb2.Booking(name=f"{EVENT}/bookings/{'b' * 26}", event=EVENT, buyer=USER)
    booking.total.currency_code, booking.total.units = "CAD", 20
    booking.tickets.add(name="t", code="CODE", display_name="Standard")
    return facts.BookingConfirmed(booking=booking)


def changed(state: int = booking_pb2.BOOKING_STATE_CONFIRMED) -> facts.BookingChanged:
    booking = confirmed().booking
    booking.state, booking.tickets[0].state = state, booking_pb2.TICKET_STATE_VALID
    booking.tickets.add(name="u", code="OLD", display_name="Given up", state=booking_pb2.TICKET_STATE_VOID)
    booking.tickets.add(code="BOB", display_name="Passed on", state=booking_pb2.TICKET_STATE_VALID, transferred=True)
    return facts.BookingChanged(booking=booking, refund_due=booking.total)


def asked(kind: type, *, units: int = 20, hours: int = 1) -> object:
    booking = confirmed().booking
    booking.total.units = units
    booking.hold_expire_time.FromDatetime(utc_now() + timedelta(hours=hours))
    return kind(booking=booking)


@pytest.fixture
async def service(mongodb: str, mail_server) -> AsyncIterator[Service]:
    async with open_database(mongodb, f"test_{new_id()}") as database:
        journal = Journal(database)
        await prepare(database, SCHEMA)
        guard = Resilient("smtp", timeout=5)
        lines = SmtpLines("127.0.0.1", mail_server.port)
        post = SmtpPost(lines, "u@usher.example", "usher.example", Writer(), guard)
        yield Service(journal, post)
        await post.rest()
        await database.client.drop_database(database.name)


async def test_the_same_domain_event_ten_times_at_once_makes_one_mail(service: Service, mail_server) -> None:
    """INVARIANT: one mail a cause."""
    await service.know_everybody()
    id = new_id()
    await asyncio.gather(*(service.confirm(id) for _ in range(10)))
    await service.deliver()
    await service.deliver()
    assert [message["Message-ID"] for message in mail_server.messages] == [f"<{id}@usher.example>"]
    assert mail_server.messages[0]["To"] == "ada@example.org"
    assert await service.states() == [State.DELIVERED]


async def test_a_booking_for_somebody_without_an_account_is_mailed_to_them_and_without_address_to_nobody(
    service: Service, mail_server
) -> None:
    await service.know_everybody()
    for address in ("press@example.org", ""):
        told = confirmed()
        told.booking.buyer, told.booking.organizer = "", f"organizers/{new_id()}"
        told.booking.contact.display_name, told.booking.contact.email = "The Press", address
        await service.causes.booking_confirmed(told, received("booking"))
    await service.deliver()
    assert [message["To"] for message in mail_server.messages] == ["press@example.org"]


async def test_a_booking_of_an_unknown_person_waits_for_them(service: Service) -> None:
    with pytest.raises(NotYet):
        await service.confirm()
    await service.know_everybody()
    await service.confirm()
    assert await service.states() == [State.QUEUED]


async def test_a_letter_that_was_delivered_elsewhere_since_it_was_read_is_not_written_again(service: Service) -> None:
    """INVARIANT: what was read beforehand decides nothing once it is old."""
    await service.know_everybody()
    await service.confirm()
    elsewhere = MongoNotifications(service.journal)
    (mine,), (theirs,) = await service.notifications.waiting(9), await elsewhere.waiting(9)

    async def deliver(notifications: MongoNotifications, attempts: int, process: str) -> Notification:
        return await notifications.update(
            mine.name, lambda letter: letter.delivered(attempts, utc_now()), cause=Cause(f"{process}|{mine.name}")
        )

    assert (await deliver(elsewhere, 1, "theirs")).attempts == 1
    after = await deliver(service.notifications, 2, "mine")
    assert (after.attempts, after.version) == (1, theirs.version + 1)
    assert (await service.notifications.get(mine.name)).state is State.DELIVERED


async def test_asking_for_a_letter_answers_what_it_has_become(service: Service) -> None:
    await service.know_everybody()
    await service.confirm()
    (letter,) = await service.notifications.waiting(9)
    other = MongoNotifications(service.journal)
    await other.update(letter.name, lambda it: it.delivered(1, utc_now()), cause=Cause("other"))
    assert (await service.notifications.get(letter.name)).state is State.DELIVERED


async def test_letters_of_a_round_go_over_a_few_lines(service: Service, mail_server) -> None:
    await service.know_everybody()
    await asyncio.gather(*(service.confirm() for _ in range(20)))
    assert await service.deliver() == 20
    assert len(mail_server.lines) <= LINES
    assert len(mail_server.messages) == 20


async def test_a_server_that_is_busy_is_asked_again_later(service: Service, mail_server) -> None:
    await service.know_everybody()
    await service.confirm()
    mail_server.answers = ["451 busy", "421 later"]
    assert await service.deliver() == 0
    assert await service.deliver() == 0  # not due yet
    assert len(mail_server.answers) == 1
    assert await service.deliver(timedelta(minutes=1)) == 0
    assert await service.deliver(timedelta(minutes=5)) == 1
    assert len(mail_server.messages) == 1


async def test_a_message_no_server_takes_is_given_up_with_the_code(service: Service, mail_server) -> None:
    await service.know_everybody()
    await service.confirm()
    mail_server.answers = ["554 no such mailbox"]
    await service.deliver()
    page = await service.notifications.of_user(USER, None, 10)
    assert [(each.state, each.failure) for each in page.items] == [(State.FAILED, "SMTP 554")]


async def test_what_is_not_one_address_is_given_up_at_once_and_nobody_gets_it(service: Service, mail_server) -> None:
    told = confirmed()
    await service.know_everybody()
    told.booking.buyer, told.booking.organizer = "", USER
    told.booking.contact.display_name, told.booking.contact.email = "Two", "a@example.org, b@example.org"
    await service.causes.booking_confirmed(told, received("booking"))
    assert await service.deliver() == 1
    page = await service.notifications.of_user(USER, None, 10)
    assert [(each.state, each.failure) for each in page.items] == [(State.FAILED, "No address")]
    assert mail_server.messages == []


async def test_after_a_day_without_a_server_it_is_given_up(service: Service) -> None:
    await service.know_everybody()
    await service.confirm()
    service.post._lines._port = 1  # type: ignore[attr-defined]  # nobody listens there
    assert await service.deliver() == 0
    assert await service.states() == [State.QUEUED]
    await service.deliver(timedelta(hours=25))
    assert await service.states() == [State.FAILED]


async def test_a_verification_that_has_ended_is_not_mailed(service: Service) -> None:
    user = User(name=USER, email="ada@example.org", display_name="Ada")
    message = EmailVerificationRequested(user=user, token="SECRET")
    message.expire_time.FromDatetime(utc_now() - timedelta(seconds=1))
    await service.causes.verification_requested(message, received(USER))
    assert await service.states() == []
    message.expire_time.FromDatetime(utc_now() + timedelta(hours=1))
    await service.causes.verification_requested(message, received(USER, version=2))
    assert await service.states() == [State.QUEUED]


async def test_two_postmen_send_each_mail_once(service: Service, mail_server) -> None:
    await service.know_everybody()
    outboxes = [MongoOutbox(service.journal), MongoOutbox(service.journal)]
    postmen = [Postman(service.notifications, service.post, outbox, utc_now) for outbox in outboxes]
    tasks = [asyncio.create_task(postman.run()) for postman in postmen]
    await asyncio.gather(*(service.confirm() for _ in range(12)))
    async with asyncio.timeout(20):
        while State.QUEUED in await service.states():
            await asyncio.sleep(0.02)
    for postman in postmen:
        postman.stop()
    await asyncio.gather(*tasks)
    assert len(mail_server.messages) == 12
    assert len({message["Message-ID"] for message in mail_server.messages}) == 12


async def test_a_letter_that_cannot_be_written_holds_up_no_other(service: Service, mail_server) -> None:
    """INVARIANT: whatever is wrong with one letter, the next is sent."""
    await service.know_everybody()
    event = Event(name=EVENT, title="PyCon", time_zone="UTC", homepage_uri="https://a\r\nATTENDEE:mailto:x")
    for field in (event.start_time, event.end_time):
        field.FromDatetime(datetime(2027, 6, 1, 13, tzinfo=UTC))
    await service.causes.event_told(EventPublished(snapshot=EventSnapshot(event=event)), received(EVENT, version=2))
    await service.confirm()
    event.homepage_uri = ""
    await service.causes.event_told(EventPublished(snapshot=EventSnapshot(event=event)), received(EVENT, version=3))
    await service.confirm()
    assert await service.deliver() == 1
    assert len(mail_server.messages) == 1
    assert sorted(state.value for state in await service.states()) == ["DELIVERED", "QUEUED"]
    await service.deliver(timedelta(hours=25))
    assert sorted(state.value for state in await service.states()) == ["DELIVERED", "FAILED"]


async def test_the_journal_keeps_no_ticket_code_and_no_verification_token(service: Service) -> None:
    """INVARIANT: journal rows stay for ever, so what is secret in a letter is not in them."""
    await service.know_everybody()
    id = new_id()
    await service.confirm(id)
    message = EmailVerificationRequested(user=User(name=USER, email="ada@example.org"), token="SECRET")
    message.expire_time.FromDatetime(utc_now() + timedelta(hours=1))
    await service.causes.verification_requested(message, received(USER, version=2))
    await service.deliver()
    rows = [row async for row in service.journal.database.collection("journal").find({})]
    assert len(rows) == 4
    assert not any(secret in str(row) for row in rows for secret in ("CODE", "SECRET"))
    await service.confirm(id)  # a repeat is answered from the journal
    assert await service.states() == [State.DELIVERED, State.DELIVERED]


async def test_an_offer_and_its_end_are_mailed_but_no_offer_that_is_over(service: Service, mail_server) -> None:
    await service.know_everybody()
    entry = WaitingListEntry(name=f"{EVENT}/waitingListEntries/{'w' * 26}", event=EVENT, user=USER, quantity=2)
    entry.booking = f"{EVENT}/bookings/{'b' * 26}"
    entry.offer_expire_time.FromDatetime(utc_now() - timedelta(seconds=1))
    await service.causes.places_offered(facts.WaitingListOffered(waiting_list_entry=entry), received(entry.name, 2))
    assert await service.states() == []
    entry.offer_expire_time.FromDatetime(utc_now() + timedelta(hours=1))
    await service.causes.places_offered(facts.WaitingListOffered(waiting_list_entry=entry), received(entry.name, 2))
    lapsed = facts.WaitingListLapsed(waiting_list_entry=entry, reason="OFFER_EXPIRED")
    await service.causes.waited_in_vain(lapsed, received(entry.name, 3))
    assert await service.deliver() == 2
    subjects = sorted(message["Subject"] for message in mail_server.messages)
    assert subjects == ["No longer on the waiting list: PyCon", "Places for you: PyCon"]


async def test_a_change_is_told_with_the_tickets_that_still_admit_and_nothing_while_it_is_only_held(
    service: Service, mail_server
) -> None:
    await service.know_everybody()
    await service.causes.booking_changed(changed(booking_pb2.BOOKING_STATE_HELD), received("booking"))
    await service.causes.booking_changed(changed(), received("booking"))
    assert await service.deliver() == 1
    (message,) = mail_server.messages
    assert message["Subject"] == "Changed: your tickets for PyCon"
    text = message.get_body(("plain",)).get_content()
    assert [each in text for each in ("1 × Standard", "Given up", "Passed on")] == [True, False, False]
    assert "$20.00 will be paid back" in text
    assert [part.get_filename() for part in message.iter_attachments()] == ["ticket-1.png", "event.ics"]


async def test_a_hold_is_not_even_listened_to(service: Service) -> None:
    """Each domain event that is costs a write, and an on-sale has thousands of holds."""
    listened = {kind.DESCRIPTOR.name for each in service.causes.subscriptions() for kind in each.handlers}
    assert "BookingApprovalRequested" in listened
    assert "BookingHeld" not in listened


async def test_changes_of_a_booking_for_somebody_without_an_account_are_mailed_to_them_and_without_address_to_nobody(
    service: Service, mail_server
) -> None:
    await service.know_everybody()
    for address in ("press@example.org", ""):
        told = changed()
        told.booking.buyer, told.booking.contact.email = "", address
        told.booking.amount_due.CopyFrom(told.booking.total)
        await service.causes.booking_changed(told, received("booking"))
        await service.causes.change_held(facts.BookingChangeHeld(booking=told.booking), received("booking"))
    await service.deliver()
    assert [message["To"] for message in mail_server.messages] == ["press@example.org"] * 2


async def test_a_ticket_that_was_passed_on_is_mailed_to_who_has_it_now_and_no_other_is(
    service: Service, mail_server
) -> None:
    await service.know_everybody()
    told = facts.TicketTransferred(booking=changed().booking)
    told.new_ticket.code, told.new_ticket.display_name = "NEW", "Standard"
    told.new_ticket.attendee.display_name, told.new_ticket.attendee.email = "Bob", "bob@example.org"
    await service.causes.ticket_transferred(told, received("booking"))
    assert await service.deliver() == 1
    (message,) = mail_server.messages
    assert (message["To"], message["Subject"]) == ("bob@example.org", "Your ticket for PyCon")
    assert "Hello Bob" in message.get_body(("plain",)).get_content()
    assert [part.get_filename() for part in message.iter_attachments()] == ["ticket-1.png", "event.ics"]


async def test_who_waits_for_approval_hears_of_it_and_of_the_decision(service: Service, mail_server) -> None:
    await service.know_everybody()
    await service.causes.approval_requested(asked(facts.BookingApprovalRequested), received("booking"))
    for paid, at in ((20, 1), (0, 1), (20, -1)):  # to be paid, free, and told too late to be paid
        await service.causes.booking_approved(asked(facts.BookingApproved, units=paid, hours=at), received("booking"))
    await service.causes.booking_rejected(asked(facts.BookingRejected), received("booking"))
    await service.deliver()
    assert sorted(message["Subject"] for message in mail_server.messages) == [
        "Approved: PyCon", "Not approved: PyCon", "Waits for approval: PyCon",
    ]  # fmt: skip


async def test_letters_go_out_together_and_one_that_cannot_be_settled_cuts_off_no_other(service: Service) -> None:
    await service.know_everybody()
    for _ in range(3):
        await service.confirm()
    on_their_way, all_there = 0, asyncio.Event()

    class Together:
        async def send(self, _letter: object) -> None:
            nonlocal on_their_way
            on_their_way += 1
            if on_their_way == 3:
                all_there.set()
            await asyncio.wait_for(all_there.wait(), 10)

    service.post = Together()
    update, refused = service.notifications.update, []

    async def away_once(name: str, *arguments: object, **options: object) -> object:
        if not refused:
            refused.append(name)
            raise Unavailable("STORE_UNAVAILABLE", "away")
        return await update(name, *arguments, **options)

    service.notifications.update = away_once
    with pytest.raises(Unavailable):
        await service.deliver()
    assert Counter(await service.states()) == {State.DELIVERED: 2, State.QUEUED: 1}


async def test_who_sold_a_ticket_is_told_once_also_when_it_was_the_last(service: Service, mail_server) -> None:
    await service.know_everybody()
    name = f"{EVENT}/bookings/{'b' * 26}"
    offer = ResaleOffer(name=f"{EVENT}/resaleOffers/{'r' * 26}", event=EVENT, seller=USER, booking=name)
    offer.price.CopyFrom(money_to_wire(Money(1600, "EUR")))
    cancelled = facts.BookingCancelled(booking=booking_pb2.Booking(name=name, event=EVENT, buyer=USER), reason="RESOLD")
    await service.causes.booking_cancelled(cancelled, received(name))
    await service.causes.ticket_resold(facts.ResaleOfferSold(resale_offer=offer), received(offer.name, 3))
    assert await service.deliver() == 1
    (message,) = mail_server.messages
    assert message["Subject"] == "Sold: your ticket for PyCon"
    assert "€16.00 goes back" in message.get_body(("plain",)).get_content()
