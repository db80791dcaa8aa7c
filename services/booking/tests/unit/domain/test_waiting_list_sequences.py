"""Any sequence of commands on one event with a waiting list, against a model that looks at every entry."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import invariant, precondition, rule
from numbered import Numbered

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    Cancel,
    ClaimPayment,
    Confirm,
    Expire,
    Hold,
    JoinWaitingList,
    LapseEntries,
    LeaveWaitingList,
    OfferPlaces,
    ProjectOffer,
    SetWaitingPriority,
)
from booking_service.domain.commands.following import decided
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.records import View, key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_entry import ENTRY_LIFE, EntryState, WaitingEntry
from booking_service.domain.waiting_list import hopeless, left_to_public, next_look, servable, wish_of
from domain_kit.money import Money
from domain_kit.refusals import Refusal

EVENT, START = "events/e", datetime(2027, 1, 1, tzinfo=UTC)
TYPES = {"free": (0, ("hall",)), "paid": (1999, ("hall",)), "dinner": (4500, ("hall", "table"))}
KINDS, USERS = st.sampled_from(sorted(TYPES)), st.sampled_from(["users/a", "users/b", "users/c", "users/d"])
NUMBER = st.integers(0, 5)


def offer(
    version: int, hall: int, table: int, sold: tuple[str, ...] = tuple(TYPES), off: bool = False, now: datetime = START
) -> Offer:
    start = now + timedelta(days=20)
    kinds = tuple(
        OfferedType(f"{EVENT}/ticketTypes/{name}", name, Money(TYPES[name][0], "EUR"), TYPES[name][1]) for name in sold
    )
    terms = BookingTerms(most_per_person=6, waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(hours=1)))
    return Offer(
        EVENT, "organizers/o", "E", OfferState.CANCELLED if off else OfferState.PUBLISHED, start, start, "UTC", kinds,
        {"hall": Pool(hall), "table": Pool(table)}, version, published=True, terms=terms,
    )  # fmt: skip


class WaitingLists(Numbered):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stock = Stock(offer(1, 4, 2), Inventory(EVENT))
        self.records = {}
        self.looked: OfferPlaces | None = None
        for user in ("users/a", "users/b"):  # sold out from the first step on
            self.hold(user, "free", 1)
        self.hold("users/e", "dinner", 2)

    def of(self, kind, state=None):
        return [each for each in self.records.values() if isinstance(each, kind) and state in (None, each.state)]

    def pick(self, kind, number):
        """One of the newest."""
        found = self.of(kind)[-6:]
        return found[number % len(found)] if found else None

    def run(self, command):
        """Decide it on nothing but what it asks for, and keep what comes of it."""
        found = {}
        while missing := [key for key in command.needs(self.stock, found) if key not in found]:
            found |= {key: self.records.get(key) for key in missing}
        before, could = self.stock, {each.name for each in self.true_queue() if self.fits(each)}
        try:
            outcome = decided(command, View(self.stock, found), self.now)
        except Refusal as refusal:
            return refusal
        if isinstance(command, OfferPlaces):
            self.the_order_was_kept(outcome)
        self.stock = outcome.stock
        for step in outcome.steps:
            self.follow(self.records.get(key_of(step.record)), step)
            self.records[key_of(step.record)] = step.record
        self.records |= {key_of(each): each for each in outcome.tallies}
        self.no_pool_grew_beyond_its_capacity(before)
        if isinstance(command, Hold | ClaimPayment):
            self.nobody_was_passed(could)
        return outcome

    def fits(self, entry, inventory=None):
        """Whether what is free suffices, worked out from nothing but capacities and places taken."""
        taken = (inventory or self.stock.inventory).taken
        kind = self.stock.offer.find_ticket_type(entry.ticket_type)
        return kind is not None and all(
            taken.get(pool, 0) + entry.quantity <= self.stock.offer.capacity_of(pool) for pool in kind.pools
        )

    def true_queue(self):
        return sorted(self.of(WaitingEntry, EntryState.WAITING), key=lambda each: (-each.priority, each.number))

    def follow(self, former, step):
        """INVARIANT: an entry goes from state to state as its table says, and stays in the one it ends in."""
        if isinstance(step.record, WaitingEntry) and former is not None and former.state is not step.record.state:
            assert step.record.state in {to for (was, _), to in ENTRY_LIFE.transitions.items() if was is former.state}

    def no_pool_grew_beyond_its_capacity(self, before):
        """INVARIANT: no offer and no booking takes a place that there is not."""
        for pool, taken in self.stock.inventory.taken.items():
            if taken > before.inventory.taken.get(pool, 0):
                assert taken <= self.stock.offer.capacity_of(pool)

    def nobody_was_passed(self, could):
        """INVARIANT: whoever waits and could be served before a public booking can be served after it."""
        for entry in self.true_queue():
            assert entry.name not in could or self.fits(entry), f"{entry} was passed"

    def the_order_was_kept(self, outcome):
        """INVARIANT: each offer goes to the first of all who wait and can be served, by priority and arrival."""
        queue, inventory = self.true_queue(), self.stock.inventory
        for step in outcome.steps:
            if isinstance(step.record, Booking):
                continue
            first = next(each for each in queue if self.fits(each, inventory))
            assert step.record.name == first.name
            queue.remove(first)
            if isinstance(step.happened, facts.WaitingListOffered):
                taken = Counter(inventory.taken)
                for pool in self.stock.offer.ticket_type(first.ticket_type).pools:
                    taken[pool] += first.quantity
                inventory = replace(inventory, taken=taken)

    def look(self, at_once):
        """What the worker would look up now."""
        wishes = frozenset(servable(self.stock.offer, self.stock.inventory))
        names = tuple(each.name for each in self.true_queue() if wish_of(each) in wishes)[:at_once]
        bookings = tuple(f"{EVENT}/bookings/{self.number()}" for _ in names)
        return OfferPlaces(EVENT, names, bookings, wishes, self.stock.inventory.reordered)

    @rule(user=USERS, kind=KINDS, count=st.sampled_from([1, 1, 2, 3]))
    def hold(self, user, kind, count):
        wanted = (Wanted(f"{EVENT}/ticketTypes/{kind}", count),)
        self.run(Hold(EVENT, f"{EVENT}/bookings/{self.number()}", user, wanted, timedelta(minutes=10)))

    @rule(wishes=st.lists(st.tuples(USERS, KINDS, st.sampled_from([1, 2, 1, 3, 4])), min_size=1, max_size=4))
    def join(self, wishes):
        for user, kind, count in wishes:
            name = f"{EVENT}/waitingListEntries/{self.number()}"
            self.run(JoinWaitingList(EVENT, name, user, f"{EVENT}/ticketTypes/{kind}", "", count))

    @rule(number=NUMBER)
    def free_places(self, number):
        live = [each for each in self.of(Booking) if each.state.takes_places]
        if live:
            booking = live[number % len(live)]
            over = booking.hold_is_over(self.now)
            self.run(Expire(EVENT, booking.name) if over else Cancel(EVENT, booking.name, ""))

    @rule(number=NUMBER, late=st.booleans(), leaves=st.booleans())
    def answer_an_offer(self, number, late, leaves):
        offered = self.of(WaitingEntry, EntryState.OFFERED)
        if offered:
            entry = offered[number % len(offered)]
            booking = self.records[Booking, entry.booking]
            self.now += timedelta(hours=2 if late else 0)
            paid = ClaimPayment(EVENT, booking.name, f"payments/{self.number()}", booking.total, self)
            self.run(LeaveWaitingList(EVENT, entry.name, "") if leaves else paid)
            if leaves and late:
                assert self.records[WaitingEntry, entry.name].state is not EntryState.LEFT

    @rule(number=NUMBER, user=USERS, kind=KINDS)
    def rush_for_what_comes_free(self, number, user, kind):
        self.free_places(number)
        self.hold(user, kind, 1)

    @rule(number=NUMBER, priority=st.integers(0, 2), at_once=st.integers(1, 3), user=USERS, kind=KINDS)
    def offer_while_things_change(self, number, priority, at_once, user, kind):
        self.free_places(number)
        self.looked = self.look(at_once)
        self.prioritize(number, priority)
        self.free_places(number)
        self.join([(user, kind, 1)])
        self.run(self.looked)

    @rule(number=NUMBER, what=st.sampled_from(["cancel", "cancel", "expire", "confirm", "pay"]))
    def change_booking(self, number, what):
        if (booking := self.pick(Booking, number)) is not None:
            name = booking.name
            paid = ClaimPayment(EVENT, name, f"payments/{self.number()}", booking.total, self)
            self.run(
                {"cancel": Cancel(EVENT, name, ""), "expire": Expire(EVENT, name), "pay": paid,
                 "confirm": Confirm(EVENT, name, self)}[what]
            )  # fmt: skip

    @rule(number=NUMBER)
    def leave(self, number):
        if (entry := self.pick(WaitingEntry, number)) is not None:
            self.run(LeaveWaitingList(EVENT, entry.name, ""))

    @rule(number=NUMBER, priority=st.integers(0, 2))
    def prioritize(self, number, priority):
        if (entry := self.pick(WaitingEntry, number)) is not None:
            self.run(SetWaitingPriority(EVENT, entry.name, "", priority))

    @rule(minutes=st.sampled_from([1, 11, 61]))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(hall=st.sampled_from([4, 5, 6, 3, 2, 0]), table=st.sampled_from([2, 1, 3, 0]))
    def change_capacity(self, hall, table):
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, hall, table, now=self.now)))

    @rule(
        fate=st.sampled_from(
            ["nothing", "nothing", "nothing", "nothing", "nothing", "nothing", "nothing", "type", "event", "time"]
        )
    )
    def end_what_is_sold(self, fate):
        sold = ("free", "paid") if fate == "type" else tuple(TYPES)
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, 4, 2, sold, off=fate == "event", now=self.now)))
        self.now += timedelta(days=30 if fate == "time" else 0)

    @rule(at_once=st.integers(1, 3))
    def look_up(self, at_once):
        self.looked = self.look(at_once)

    @precondition(lambda self: self.looked is not None)
    @rule()
    def offer_what_was_looked_up_a_while_ago(self):
        self.run(self.looked)

    @rule(at_once=st.integers(1, 3))
    def serve_all(self, at_once):
        """INVARIANT: once all are served, a free place is one that nobody who waits can use, and the public may."""
        for _ in range(2 * len(self.of(WaitingEntry)) + 2):
            lost = [each.name for each in self.true_queue() if hopeless(self.stock.offer, wish_of(each), self.now)]
            self.run(LapseEntries(EVENT, tuple(lost)) if lost else self.look(at_once))
        assert not any(self.fits(each) for each in self.true_queue())
        assert left_to_public(self.stock.offer, self.stock.inventory) is self.stock.inventory
        look = next_look(self.stock.offer, self.stock.inventory, self.now)
        assert (look is None) is (not self.true_queue())
        assert look is None or look > self.now

    @invariant()
    def those_who_wait_are_counted(self):
        """INVARIANT: the inventory counts exactly the entries that wait."""
        counted = Counter(
            f"{each.ticket_type.rpartition('/')[2]}//{each.quantity}"
            for each in self.of(WaitingEntry, EntryState.WAITING)
        )
        assert self.stock.inventory.waiting == counted

    @invariant()
    def taken_places_are_those_of_live_bookings(self):
        """INVARIANT: each place that is taken belongs to one booking, offers included."""
        counted = Counter()
        for booking in self.of(Booking):
            if booking.state.takes_places:
                counted.update(booking.demand().places)
        assert {pool: taken for pool, taken in self.stock.inventory.taken.items() if taken} == counted

    @invariant()
    def an_offer_stands_as_long_as_its_booking_is_held(self):
        """INVARIANT: an entry is OFFERED exactly while its booking is held; confirmed in that time, it is FULFILLED."""
        for entry in self.of(WaitingEntry):
            booking = self.records.get((Booking, entry.booking))
            assert (booking is None) is (not entry.booking)
            assert (entry.state is EntryState.OFFERED) is (booking is not None and booking.state.pending)
            assert (entry.end_time is None) is entry.state.live
            if entry.state is EntryState.FULFILLED:
                assert booking.confirm_time is not None
            if booking is not None:
                assert (booking.entry, booking.buyer) == (entry.name, entry.user)

    @invariant()
    def a_user_waits_once_for_one_thing(self):
        """INVARIANT: a user has at most one live entry for a type."""
        live = Counter((each.user, each.ticket_type) for each in self.of(WaitingEntry) if each.state.live)
        assert all(count == 1 for count in live.values())


WaitingLists.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None, print_blob=True)
TestWaitingLists = WaitingLists.TestCase
TestLongWaitingLists = for_long(WaitingLists, 300)
