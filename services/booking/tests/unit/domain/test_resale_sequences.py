"""Any sequence of commands on an event whose tickets are sold on, each decided on nothing but what it asks for."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import event as note
from hypothesis import settings
from hypothesis.stateful import initialize, rule
from resale_invariants import EVENT, Invariants

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Cancel,
    Change,
    CheckIn,
    ClaimPayment,
    Close,
    Confirm,
    Expire,
    Hold,
    JoinWaitingList,
    LeaveWaitingList,
    LoggedScan,
    MergeScans,
    OfferForResale,
    OfferPlaces,
    ProjectOffer,
    TransferTicket,
    UndoCheckIn,
    WithdrawResaleOffer,
)
from booking_service.domain.commands.following import decided
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.pricing.inputs import Phase, RefundStep, ServiceFee
from booking_service.domain.questions import Attendee
from booking_service.domain.records import View, key_of
from booking_service.domain.resale_offer import RESALE_LIFE, ResaleOffer, ResaleState
from booking_service.domain.scans import Direction, Scan
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import servable, wish_of
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import Refusal

START = datetime(2027, 1, 1, tzinfo=UTC)
KINDS = st.sampled_from(["paid", "paid", "seat", "free"])
USERS = st.sampled_from(["users/a", "users/b", "users/c"])
NUMBER = st.integers(0, 9)
CURRENCIES = st.sampled_from(["", "", "JPY", "KWD"])
HELD = timedelta(minutes=10)


def offer(version: int, state: OfferState = OfferState.PUBLISHED, hall: int = 3) -> Offer:
    """The first two tickets are cheaper, so that what a ticket cost is not what one costs now; nor is a yen."""
    start = START + timedelta(days=20)
    early = (Phase("early", Money(1001, "EUR"), places=2),)
    kinds = (
        OfferedType(f"{EVENT}/ticketTypes/free", "Free", Money(0, "EUR"), ("hall",)),
        OfferedType(f"{EVENT}/ticketTypes/paid", "Paid", Money(1999, "EUR"), ("hall",), phases=early),
        OfferedType(f"{EVENT}/ticketTypes/seat", "Seat", Money(4500, "EUR"), ("seats",), sections=("a",)),
    )
    terms = BookingTerms(
        most_per_person=4, resale_allowed=True, change_allowed=True, transfer_allowed=True,
        refund_steps=(RefundStep(timedelta(0), 3_333),), service_fee=ServiceFee(None, 333),
        waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(hours=1)),
    )  # fmt: skip
    return Offer(
        EVENT, "organizers/o", "E", state, start, start + timedelta(hours=3), "UTC", kinds,
        {"hall": Pool(hall), "seats": Pool(9)}, version, published=True, terms=terms,
        sections=(Section("a", "A", (SeatRow("1", ("1", "2")),)),), currency="EUR",
        rates=tuple(
            ExchangeRate("EUR", each, rate, START) for each, rate in (("JPY", f"16{version % 9}.7"), ("KWD", "0.3351"))
        ),
    )  # fmt: skip


class Resales(Invariants):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stock = Stock(offer(1), Inventory(EVENT))
        self.records = {}
        self.came: dict[str, int] = {}
        self.due_back: Counter[str] = Counter()
        self.refunds: dict[str, list[int]] = defaultdict(list)
        self.told: Counter[tuple[str, str]] = Counter()

    def pick(self, number, found):
        return found[-(number % len(found)) - 1] if found else None

    def run(self, command):
        """Decide it on nothing but what it asks for, and keep what comes of it."""
        found = {}
        while missing := [key for key in command.needs(self.stock, found) if key not in found]:
            found |= {key: self.records.get(key) for key in missing}
        before = self.stock
        try:
            outcome = decided(command, View(self.stock, found), self.now)
        except Refusal as refusal:
            note(f"{type(command).__name__} {refusal.reason}")
            return refusal
        self.stock = outcome.stock
        for step in outcome.steps:
            note(type(step.happened).__name__)
            self.follow(self.records.get(key_of(step.record)), step)
            self.records[key_of(step.record)] = step.record
        self.records |= {key_of(each): each for each in outcome.tallies}
        for pool, taken in self.stock.inventory.taken.items():
            if taken > before.inventory.taken.get(pool, 0):
                assert taken <= self.stock.offer.capacity_of(pool)
        return outcome

    def follow(self, former, step):
        happened, record = step.happened, step.record
        self.told[record.name, type(happened).__name__] += 1
        if isinstance(record, ResaleOffer) and former is not None:
            assert record.state in {to for (was, _), to in RESALE_LIFE.transitions.items() if was is former.state}
            assert (record.line, record.ticket, record.seller) == (former.line, former.ticket, former.seller)
        if isinstance(happened, facts.BookingCancelled | facts.BookingChanged) and happened.refund_due:
            self.due_back[record.name] += happened.refund_due.minor_units
            if happened.reason == "RESOLD":
                self.refunds[record.name].append(happened.refund_due.minor_units)

    @initialize(users=st.lists(st.tuples(USERS, KINDS), min_size=2, max_size=4))
    def sell_nearly_all(self, users):
        for user, kind in users:
            self.book(user, kind, 1)

    def book(self, user, kind, count, currency=""):
        if self.hold(user, [(kind, count)], currency):
            self.pay(0, False)

    @rule(
        user=USERS,
        wanted=st.lists(st.tuples(KINDS, st.sampled_from([1, 1, 2, 3])), min_size=1, max_size=2),
        currency=CURRENCIES,
    )
    def hold_some(self, user, wanted, currency):
        self.hold(user, wanted, currency)

    def hold(self, user, wanted, currency=""):
        lines = tuple(Wanted(f"{EVENT}/ticketTypes/{kind}", count) for kind, count in wanted)
        done = self.run(Hold(EVENT, f"{EVENT}/bookings/{self.number()}", user, lines, HELD, currency=currency))
        return not isinstance(done, Refusal)

    @rule(number=NUMBER, late=st.booleans())
    def pay(self, number, late):
        states = (BookingState.EXPIRED, BookingState.HELD) if late else (BookingState.HELD,)
        booking = self.pick(number, self.of(Booking, *states))
        if booking is None:
            return
        if late and booking.hold_expire_time:
            self.now = max(self.now, booking.hold_expire_time)
        if not booking.total and not late:
            self.run(Confirm(EVENT, booking.name, self))
            return
        payment = f"payments/{self.number()}"
        self.came[payment] = booking.total.minor_units
        assert not isinstance(
            self.run(ClaimPayment(EVENT, booking.name, payment, booking.total, self)), Refusal
        )  # fmt: skip

    @rule(user=USERS, kind=KINDS, count=st.sampled_from([1, 2]), currency=CURRENCIES)
    def buy(self, user, kind, count, currency):
        self.book(user, kind, count, currency)

    def usable(self):
        return [
            (booking, ticket) for booking in self.of(Booking) for ticket in booking.tickets
            if ticket.state is TicketState.VALID
        ]  # fmt: skip

    @rule(number=NUMBER, more=st.booleans())
    def offer_tickets(self, number, more):
        chosen = self.pick(number, self.usable())
        if chosen is not None:
            booking, ticket = chosen
            names = [ticket.name]
            names += [each.name for each in booking.tickets if more and each.name != ticket.name][:1]
            offers = tuple(f"{EVENT}/resaleOffers/{self.number()}" for _ in names)
            self.run(OfferForResale(EVENT, booking.name, tuple(names), offers))

    @rule(user=USERS, kind=KINDS, number=NUMBER, paid=st.booleans(), sells=CURRENCIES, buys=CURRENCIES)
    def sell_out_and_buy_what_is_sold_on(self, user, kind, number, paid, sells, buys):
        """What all this is about, so that it happens often."""
        for _ in range(4):
            self.book(f"users/{number}", kind, 1, sells)
        self.offer_tickets(number, False)
        if self.hold(user, [(kind, 1)], buys) and paid:
            self.pay(0, False)

    @rule(
        number=NUMBER,
        noticed=st.booleans(),
        meanwhile=st.sampled_from(["nothing", "withdraw", "enter", "hold", "join"]),
    )
    def somebody_pays_too_late_for_what_is_sold_on(self, number, noticed, meanwhile):
        held = [each for each in self.of(Booking, BookingState.HELD) if any(one.resale_offer for one in each.lines)]
        if (booking := self.pick(number, held)) is None:
            return
        self.now = max(self.now, booking.hold_expire_time)
        if noticed:
            self.run(Expire(EVENT, booking.name))
        offered = self.records[ResaleOffer, next(each.resale_offer for each in booking.lines if each.resale_offer)]
        ticket = self.records[Booking, offered.booking].ticket(offered.ticket)
        if meanwhile == "hold":
            self.hold("users/d", [(offered.line.ticket_type.rpartition("/")[2], 1)])
        elif meanwhile == "join":
            self.join("users/d", offered.line.ticket_type.rpartition("/")[2], 1)
        elif meanwhile != "nothing":
            self.run({
                "withdraw": WithdrawResaleOffer(EVENT, offered.name),
                "enter": CheckIn(EVENT, offered.booking, ticket.name, ticket.code),
            }[meanwhile])  # fmt: skip
        payment = f"payments/{self.number()}"
        self.came[payment] = booking.total.minor_units
        self.run(ClaimPayment(EVENT, booking.name, payment, booking.total, self))

    @rule(number=NUMBER)
    def withdraw(self, number):
        if (offered := self.pick(number, self.of(ResaleOffer))) is not None:
            self.run(WithdrawResaleOffer(EVENT, offered.name))

    @rule(number=NUMBER, what=st.sampled_from(["cancel", "cancel", "expire", "expire", "close"]))
    def end_booking(self, number, what):
        if (booking := self.pick(number, self.of(Booking))) is not None:
            name = booking.name
            self.run(
                {"cancel": Cancel(EVENT, name, ""), "expire": Expire(EVENT, name), "close": Close(EVENT, name)}[what]
            )

    @rule(number=NUMBER, what=st.sampled_from(["transfer", "enter", "undo", "scan", "remove", "add", "exchange"]))
    def use_ticket(self, number, what):
        tickets = [(booking, ticket) for booking in self.of(Booking) for ticket in booking.tickets]
        if not tickets:
            return
        booking, ticket = self.pick(number, tickets)
        name, scanned = booking.name, Scan(self.now, "gate", number, Direction.ENTRY, "", "")
        gone = (ticket.name,) if what != "add" else ()
        added = (Wanted(ticket.ticket_type, 1),) if what != "remove" else ()
        self.run({
            "transfer": TransferTicket(EVENT, name, ticket.name, Attendee("Bo", "bo@example.org"), True, self),
            "enter": CheckIn(EVENT, name, ticket.name, ticket.code),
            "undo": UndoCheckIn(EVENT, name, ticket.name, "", "mistake"),
            "scan": MergeScans(EVENT, name, "", (LoggedScan(ticket.name, ticket.code, scanned),)),
        }.get(what) or Change(EVENT, name, gone, (), added, True, self, HELD))  # fmt: skip

    @rule(number=NUMBER)
    def reduce_a_held_booking(self, number):
        if (booking := self.pick(number, self.of(Booking, BookingState.HELD))) is not None:
            fewer = (Reduction(booking.lines[0].ticket_type, "", 1),)
            self.run(Change(EVENT, booking.name, (), fewer, (), True, self, HELD))

    @rule(user=USERS, kind=KINDS, count=st.sampled_from([1, 1, 2]), currency=CURRENCIES)
    def join(self, user, kind, count, currency=""):
        name = f"{EVENT}/waitingListEntries/{self.number()}"
        self.run(JoinWaitingList(EVENT, name, user, f"{EVENT}/ticketTypes/{kind}", "", count, currency))

    @rule(number=NUMBER)
    def leave(self, number):
        if (entry := self.pick(number, self.of(WaitingEntry))) is not None:
            self.run(LeaveWaitingList(EVENT, entry.name, ""))

    @rule(at_once=st.integers(1, 3))
    def serve(self, at_once):
        """INVARIANT: who waits is served from what is for sale again; it ends, and leaves none who could be."""
        for _ in range(3 * len(self.of(WaitingEntry)) + 2):
            wishes = frozenset(servable(self.stock.offer, self.stock.inventory))
            queue = sorted(self.of(WaitingEntry, EntryState.WAITING), key=lambda each: each.turn)
            names = tuple(each.name for each in queue if wish_of(each) in wishes)[:at_once]
            bookings = tuple(f"{EVENT}/bookings/{self.number()}" for _ in names)
            self.run(OfferPlaces(EVENT, names, bookings, wishes, self.stock.inventory.reordered))
        if self.stock.offer.published and self.now < self.stock.offer.start_time:
            assert not servable(self.stock.offer, self.stock.inventory)
            lapsed = {each.lapse_reason for each in self.of(WaitingEntry, EntryState.LAPSED)}
            assert "SOLD_OUT" not in lapsed

    @rule(minutes=st.sampled_from([1, 11, 61]))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(fate=st.sampled_from(["more", "fewer", "as before", "as before", "off", "over"]), seldom=NUMBER)
    def change_event(self, fate, seldom):
        if fate in ("off", "over") and seldom:
            return
        self.now += timedelta(days=30 if fate == "over" else 0)
        state = OfferState.CANCELLED if fate == "off" else OfferState.PUBLISHED
        hall = {"more": 5, "fewer": 1}.get(fate, 3)
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, state, hall)))
        if fate == "off":
            assert not self.of(ResaleOffer, ResaleState.OPEN)


Resales.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None, print_blob=True)
TestResales = Resales.TestCase
TestLongResales = for_long(Resales, 300)
