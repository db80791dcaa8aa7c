"""Any sequence of bookings while an organizer says again and again what draws on which pools, against a model."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Cancel,
    Change,
    ClaimPayment,
    CreateVouchers,
    Expire,
    Hold,
    LapseReservation,
    ProjectOffer,
    UpdateVoucher,
    WithdrawChange,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import EventDate, Offer, OfferedType, OfferState, Pool
from booking_service.domain.records import View, key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.sorts import sort_key, sort_of
from booking_service.domain.stock import Stock
from booking_service.domain.terms import BookingTerms
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.outbound.documents import inventory_from_document, inventory_to_document
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Refusal

EVENT = "events/e"
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
TYPES = ("cheap", "dear", "both")
POOLS = {"hall": "", "house": "", "first": f"{EVENT}/dates/1", "second": f"{EVENT}/dates/2"}
WANTED = st.dictionaries(st.sampled_from(TYPES), st.integers(1, 3), min_size=1, max_size=2)
DRAWS = st.fixed_dictionaries({kind: st.sets(st.sampled_from(sorted(POOLS)), min_size=1) for kind in TYPES})
ROOM = st.fixed_dictionaries({pool: st.integers(0, 14) for pool in POOLS})


class Issuer:
    def issue(self, booking: str) -> tuple[str, str]:
        return f"{booking}/tickets/{new_id()}", new_id()


class Restructured(RuleBasedStateMachine):
    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.stock = Stock(None, Inventory(EVENT))
        self.records: dict[object, object] = {}
        self.draws: dict[str, tuple[str, ...]] = {}  # sort → what it drew on when it was last offered
        self.projecting = False

    def offer(self, draws, room, bundled, gone, series) -> Offer:
        start = datetime(2028, 1, 1, tzinfo=UTC)
        prices = {"cheap": 0, "dear": 1000, "both": 1500}
        kinds = tuple(
            OfferedType(
                f"{EVENT}/ticketTypes/{kind}", kind, Money(prices[kind], "EUR"), tuple(sorted(draws[kind])),
                bundle={f"{EVENT}/ticketTypes/dear": bundled} if kind == "both" and bundled else {},
            )
            for kind in TYPES if kind != gone
        )  # fmt: skip
        dates = tuple(EventDate(f"{EVENT}/dates/{n}", n, start, start) for n in ("1", "2")) if series else ()
        version = 1 if self.stock.offer is None else self.stock.offer.version + 1
        pools = {pool: Pool(room[pool], date) for pool, date in POOLS.items()}
        return Offer(
            EVENT, "organizers/o", "E", OfferState.PUBLISHED, start, start, "UTC", kinds, pools, version,
            published=True, dates=dates, terms=BookingTerms(change_allowed=True),
        )  # fmt: skip

    def run(self, command) -> str:
        """The reason why it is refused."""
        try:
            wanted = dict.fromkeys(command.needs(self.stock, self.records))
            outcome = command.decide(View(self.stock, wanted | self.records), self.now)
        except Refusal as refusal:
            return refusal.reason
        before, self.stock = self.stock, outcome.stock
        if not isinstance(command, ProjectOffer):
            for pool, taken in self.stock.inventory.taken.items():
                if taken > before.inventory.taken.get(pool, 0):
                    assert taken <= self.stock.offer.capacity_of(pool), "oversold"
        for record in [*(step.record for step in outcome.steps), *outcome.tallies]:
            self.records[key_of(record)] = record
        return ""

    def of(self, kind):
        return [each for each in self.records.values() if isinstance(each, kind)]

    def wanted(self, some, date):
        name = f"{EVENT}/dates/{date}" if self.stock.offer.dates else ""
        return tuple(Wanted(f"{EVENT}/ticketTypes/{kind}", count, name) for kind, count in some.items())

    @initialize(draws=DRAWS, room=ROOM, bundled=st.integers(0, 2), series=st.booleans())
    def begin(self, draws, room, bundled, series):
        self.run(ProjectOffer(self.offer(draws, room, bundled, "", series)))

    @rule(
        draws=DRAWS,
        room=ROOM,
        bundled=st.integers(0, 2),
        gone=st.sampled_from(["", "", "", *TYPES]),
        turn=st.integers(0, 9),
    )
    def restructure(self, draws, room, bundled, gone, turn):
        series = bool(self.stock.offer.dates) != (turn == 0)
        self.run(ProjectOffer(self.offer(draws, room, bundled, gone, series)))

    @rule(target=names, some=WANTED, date=st.sampled_from("12"), coded=st.booleans())
    def hold(self, some, date, coded):
        name, wanted = f"{EVENT}/bookings/{new_id()}", self.wanted(some, date)
        codes = ("CODE",) if coded else ()
        reason = self.run(Hold(EVENT, name, "users/u", wanted, timedelta(minutes=10), voucher_codes=codes))
        if reason == "SOLD_OUT" and not coded:
            self.there_is_too_little(wanted)
        return multiple() if reason else name

    def there_is_too_little(self, wanted) -> None:
        """INVARIANT: nobody hears that it is sold out while there is room for all they want."""
        taken, offer = self.counted(), self.stock.offer
        draws = [(offer.pools_of(offer.ticket_type(each.ticket_type), each.date), each.quantity) for each in wanted]
        for pools, count in draws:
            for pool in pools:
                taken[pool] += count
        drawn = {pool for pools, _ in draws for pool in pools}
        assert not all(pools for pools, _ in draws) or any(taken[pool] > offer.capacity_of(pool) for pool in drawn)

    @rule(name=names)
    def pay(self, name):
        booking = self.records[Booking, name]
        self.run(ClaimPayment(EVENT, name, f"payments/{new_id()}", booking.due or booking.total, Issuer()))

    @rule(name=names, fewer=WANTED, added=st.just({}) | WANTED, date=st.sampled_from("12"))
    def change(self, name, fewer, added, date):
        lines = self.records[Booking, name].lines
        reduced = tuple(Reduction(each.ticket_type, each.date, each.quantity) for each in self.wanted(fewer, date))
        reduced = reduced if len(lines) % 2 else ()
        self.run(Change(EVENT, name, (), reduced, self.wanted(added, date), False, Issuer(), timedelta(minutes=10)))

    @rule(name=names)
    def withdraw(self, name):
        self.run(WithdrawChange(EVENT, name))

    @rule(name=names)
    def cancel(self, name):
        self.run(Cancel(EVENT, name, "why"))

    @rule(name=names)
    def expire(self, name):
        self.run(Expire(EVENT, name))

    @rule(minutes=st.integers(1, 12))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(kinds=st.sets(st.sampled_from(TYPES), min_size=1, max_size=2), reserved=st.integers(1, 5))
    def keep(self, kinds, reserved):
        named = tuple(f"{EVENT}/ticketTypes/{kind}" for kind in sorted(kinds))
        dates = (f"{EVENT}/dates/1",) if self.stock.offer.dates else ()
        voucher = Voucher(
            f"{EVENT}/vouchers/code", EVENT, "CODE", self.now, self.now, ticket_types=named, dates=dates,
            reserved=reserved, valid_until=self.now + timedelta(hours=2),
        )  # fmt: skip
        self.run(CreateVouchers(EVENT, [voucher]))
        self.run(UpdateVoucher(
            EVENT, voucher.name,
            lambda stored: replace(stored, ticket_types=named, dates=dates, reserved=reserved),
        ))  # fmt: skip

    @rule()
    def lapse(self):
        if self.of(VoucherUse):
            self.run(LapseReservation(EVENT, "code"))

    def counted(self) -> Counter:
        counted: Counter[str] = Counter()
        for booking in self.of(Booking):
            if not booking.state.takes_places:
                continue
            lines = list(booking.lines)
            if booking.pending and not booking.pending.remove:
                lines += booking.pending.held
            elif booking.pending:  # what an exchange lacks stays where it was taken, until it is paid or ends
                for line in booking.pending.held:
                    counted.update({pool: times * line.quantity for pool, times in Counter(line.pools).items()})
            for line in lines:
                draws = self.draws[sort_key(line.sort)]
                counted.update({pool: times * line.quantity for pool, times in Counter(draws).items()})
        for use in self.of(VoucherUse):
            if use.kept:
                counted.update({pool: n * use.kept for pool, n in Counter(self.draws[use.sort]).items()})
        return counted

    def learn(self) -> None:
        """What each sort draws on, as the offer says; what is not offered any more stays where it was last."""
        lines = [
            line for booking in self.of(Booking)
            for line in (*booking.lines, *(booking.pending.added if booking.pending else ()))
        ]  # fmt: skip
        seen = {sort_key(line.sort): line.pools for line in lines} | {
            u.sort: u.pools for u in self.of(VoucherUse) if u.sort
        }
        for key, pools in seen.items():
            self.draws[key] = self.stock.offer.draws(sort_of(EVENT, key)) or self.draws.get(key, pools)

    @invariant()
    def everything_taken_counts_in_its_present_pools(self):
        """INVARIANT: whatever was sold from which pools, what is taken of each is what draws on it now."""
        if self.stock.offer is None:
            return
        self.learn()
        assert dict(self.stock.inventory.taken) == dict(+self.counted())

    @invariant()
    def an_inventory_is_kept_as_it_is(self):
        """INVARIANT: the store forgets none of it."""
        stored = inventory_to_document(self.stock.inventory, 1, self.now)
        assert inventory_from_document(stored) == replace(self.stock.inventory)


Restructured.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestRestructured = Restructured.TestCase
