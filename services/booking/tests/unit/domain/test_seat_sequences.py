"""Any sequence of commands on an event with seats, plan edits among them, against a model that only looks."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import Bundle, invariant, multiple, rule
from numbered import Numbered

from booking_service.domain.availability import availability_of
from booking_service.domain.booking import Booking
from booking_service.domain.commands import Cancel, ClaimPayment, Confirm, Expire, Hold, ProjectOffer
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import EventDate, Offer, OfferedType, OfferState, Pool
from booking_service.domain.records import View, key_of
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import TakenSeats
from domain_kit.money import Money
from domain_kit.refusals import Refusal

EVENT = "events/e"
DATES = (f"{EVENT}/dates/a", f"{EVENT}/dates/b")
KINDS = {"adult": ("stalls", "balcony"), "child": ("stalls", "balcony"), "box": ("box",), "stand": (), "family": ()}
START = datetime(2028, 1, 1, tzinfo=UTC)
SMALLEST = st.sampled_from([(2, 4), (1, 5), (3, 3), (2, 2)])


def plan(rows, width, without=()):
    """Three sections; the box is one row. Some seats are left out."""
    return tuple(
        Section(name, name, tuple(
            SeatRow(str(row), tuple(seat for seat in map(str, range(width)) if f"{name}/{row}/{seat}" not in without)
                    or ("x",), ("0",))
            for row in range(1 if name == "box" else rows)
        )) for name in ("stalls", "balcony", "box")
    )  # fmt: skip


def offer(version, sections, moved=False):
    lying = KINDS | ({"box": ("balcony",)} if moved else {})
    kinds = [
        OfferedType(f"{EVENT}/ticketTypes/{name}", name, Money(0 if name == "child" else 5, "EUR"), ("hall",),
                    sections=where, bundle=bundle_of(name))
        for name, where in lying.items()
    ]  # fmt: skip
    dates = tuple(EventDate(name, name, START, START) for name in DATES)
    return Offer(
        EVENT, "organizers/o", "E", OfferState.PUBLISHED, START, START, "UTC", tuple(kinds), {"hall": Pool(500)},
        version, published=True, dates=dates, sections=sections,
    )  # fmt: skip


def bundle_of(name):
    return {f"{EVENT}/ticketTypes/adult": 1, f"{EVENT}/ticketTypes/child": 1} if name == "family" else {}


class SeatedSale(Numbered):
    names = Bundle("names")

    def __init__(self):
        super().__init__()
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.stock = Stock(offer(1, plan(2, 4)), Inventory(EVENT))
        self.records = {}

    @property
    def bookings(self):
        return [each for each in self.records.values() if isinstance(each, Booking)]

    def run(self, command):
        """Only with the records that it asks for."""
        there = {}
        while missing := set(command.needs(self.stock, there)) - there.keys():
            there |= {key: self.records.get(key) for key in missing}
        try:
            outcome = command.decide(View(self.stock, there), self.now)
        except Refusal as refusal:
            return refusal
        self.stock = outcome.stock
        self.records |= {key_of(each): each for each in (*(s.record for s in outcome.steps), *outcome.tallies)}
        return outcome

    @rule(
        target=names, wanted=st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(1, 3), min_size=1, max_size=2),
        date=st.sampled_from(DATES), special=st.booleans(), picks=st.none() | st.integers(0, 99),
    )  # fmt: skip
    def hold(self, wanted, date, special, picks):
        free = self.free_seats(date)
        lines = []
        for kind, count in wanted.items():
            seats = [seat for seat in free if seat.split("/")[0] in KINDS[kind]]
            chosen = tuple(seats[picks % len(seats) :][:count]) if picks is not None and seats else ()
            chosen = chosen if len(chosen) == count else ()
            free = [seat for seat in free if seat not in chosen]
            wish = int(special and not chosen and kind != "stand")
            lines.append(Wanted(f"{EVENT}/ticketTypes/{kind}", count, date, chosen, accessible_seats=wish))
        name = f"{EVENT}/bookings/{self.number()}"
        result = self.run(Hold(EVENT, name, "users/u", lines, timedelta(minutes=10)))
        if isinstance(result, Refusal):
            assert result.reason in ("SOLD_OUT", "SEAT_LEFT_ALONE", "SEAT_UNKNOWN")
            return multiple()
        return name

    @rule(name=names)
    def confirm(self, name):
        self.run(Confirm(EVENT, name, self))

    @rule(name=names)
    def pay(self, name):
        booking = self.records[Booking, name]
        self.run(ClaimPayment(EVENT, name, f"payments/{self.number()}", booking.total, self))

    @rule(name=names)
    def cancel(self, name):
        self.run(Cancel(EVENT, name, "why"))

    @rule(name=names)
    def expire(self, name):
        self.run(Expire(EVENT, name))

    @rule(minutes=st.integers(1, 12))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(size=SMALLEST, moved=st.booleans(), data=st.data())
    def change_plan(self, size, moved, data):
        seats = [f"stalls/{row}/{seat}" for row in range(3) for seat in range(4)]
        without = data.draw(st.lists(st.sampled_from(seats), unique=True, max_size=4))
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, plan(*size, without), moved)))

    def planned(self):
        return [f"{s.id}/{row.label}/{seat}" for s in self.stock.offer.sections for row in s.rows for seat in row.seats]

    def seats_of_live_bookings(self):
        return Counter(
            (line.date, seat) for each in self.bookings if each.state.takes_places
            for line in each.lines for seat in line.seats
        )  # fmt: skip

    def free_seats(self, date):
        taken = self.seats_of_live_bookings()
        return [seat for seat in self.planned() if (date, seat) not in taken]

    @invariant()
    def no_seat_is_in_two_live_bookings(self):
        """INVARIANT: nobody finds somebody else on his seat."""
        assert max(self.seats_of_live_bookings().values(), default=1) == 1

    @invariant()
    def the_records_say_what_live_bookings_have(self):
        """INVARIANT: seat for seat and booking for booking."""
        recorded = {
            (record.date, f"{record.section}/{row.label}/{seat}"): booking
            for record in self.records.values() if isinstance(record, TakenSeats)
            for row in record.rows for booking, seats in row.bookings.items() for seat in seats
        }  # fmt: skip
        assert recorded == {
            (line.date, seat): each.name.rpartition("/")[2]
            for each in self.bookings if each.state.takes_places for line in each.lines for seat in line.seats
        }  # fmt: skip

    @invariant()
    def availability_says_how_many_seats_are_free(self):
        """INVARIANT: what is told to be left is what is left, also of a plan that was changed."""
        told = {
            (each.date, each.ticket_type.rpartition("/")[2]): each.remaining
            for each in availability_of(self.stock.offer, self.stock.inventory, self.now).ticket_types
        }
        for date in DATES:
            free = Counter(seat.split("/")[0] for seat in self.free_seats(date))
            both = free["stalls"] + free["balcony"]
            assert (told[date, "adult"], told[date, "family"]) == (both, both // 2)

    @invariant()
    def a_place_that_needs_a_seat_has_one(self):
        """INVARIANT: one seat a ticket, none where seats are free to choose; on the ticket stands the booking's."""
        for booking in self.bookings:
            for line in booking.lines:
                each = {"stand": 0, "family": 2}.get(line.display_name, 1)
                assert len(line.seats) == each * line.quantity
            seats = [seat for line in booking.lines for seat in line.seats]
            if booking.tickets:
                assert sorted(ticket.seat for ticket in booking.tickets if ticket.seat) == sorted(seats)


SeatedSale.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, print_blob=True)
TestSeatedSale = SeatedSale.TestCase
TestLongSeatedSale = for_long(SeatedSale, 300)
