"""Any sequence of bookings with vouchers, and of changes of the vouchers, against models that only count."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import Bundle, invariant, multiple, rule
from numbered import Numbered

from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    Cancel,
    ClaimPayment,
    CreateVouchers,
    DeleteVoucher,
    Expire,
    Hold,
    LapseReservation,
    ProjectOffer,
    UpdateVoucher,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.pricing.inputs import VoucherKind
from booking_service.domain.records import View, key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from domain_kit.money import Money
from domain_kit.refusals import Refusal

EVENT = "events/e"
TYPES = {"plain": ("hall",), "dinner": ("hall", "table"), "secret": ("hall",)}
CODES = ("AAAA", "BBBB")
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)


def offer(version: int, hall: int, table: int) -> Offer:
    start = datetime(2028, 1, 1, tzinfo=UTC)
    kinds = tuple(
        OfferedType(f"{EVENT}/ticketTypes/{name}", name, Money(1000, "EUR"), pools, hidden=name == "secret")
        for name, pools in TYPES.items()
    )
    pools = {"hall": Pool(hall), "table": Pool(table)}
    state = OfferState.PUBLISHED
    return Offer(EVENT, "organizers/o", "E", state, start, start, "UTC", kinds, pools, version, published=True)


class Redeemed(Numbered):
    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.stock = Stock(offer(1, 12, 6), Inventory(EVENT))
        self.records: dict[object, object] = {}

    def run(self, command) -> bool:
        try:
            wanted = dict.fromkeys(command.needs(self.stock, self.records))
            outcome = command.decide(View(self.stock, wanted | self.records), self.now)
        except Refusal:
            return False
        before, self.stock = self.stock, outcome.stock
        for pool, taken in self.stock.inventory.taken.items():
            if taken > before.inventory.taken.get(pool, 0):
                assert taken <= self.stock.offer.capacity_of(pool)
        for record in [*(step.record for step in outcome.steps), *outcome.tallies]:
            self.records[key_of(record)] = record
        return True

    def of(self, kind):
        return [each for each in self.records.values() if isinstance(each, kind)]

    def live(self):
        return [each for each in self.of(Booking) if each.state.takes_places]

    @rule(
        code=st.sampled_from(CODES), types=st.sets(st.sampled_from(sorted(TYPES)), max_size=2),
        most=st.integers(0, 6), reserved=st.integers(0, 6), reveals=st.booleans(),
        kind=st.sampled_from([VoucherKind.NONE, VoucherKind.PERCENT]), lasts=st.none() | st.integers(5, 40),
    )  # fmt: skip
    def create(self, code, types, most, reserved, reveals, kind, lasts):
        until = None if lasts is None else self.now + timedelta(minutes=lasts)
        voucher = Voucher(
            f"{EVENT}/vouchers/{code.lower()}", EVENT, code, self.now, self.now,
            ticket_types=tuple(f"{EVENT}/ticketTypes/{each}" for each in sorted(types)), kind=kind,
            basis_points=1000 if kind is VoucherKind.PERCENT else 0, max_uses=most, reserved=reserved,
            reveals=reveals, valid_until=until,
        )  # fmt: skip
        self.run(CreateVouchers(EVENT, [voucher]))

    @rule(code=st.sampled_from(CODES), most=st.integers(0, 6), reserved=st.integers(0, 6), lasts=st.integers(-5, 40))
    def update(self, code, most, reserved, lasts):
        until = self.now + timedelta(minutes=lasts)
        self.run(UpdateVoucher(
            EVENT, f"{EVENT}/vouchers/{code.lower()}",
            lambda stored: replace(stored, max_uses=most, reserved=reserved, valid_until=until),
        ))  # fmt: skip

    @rule(code=st.sampled_from(CODES))
    def delete(self, code):
        self.run(DeleteVoucher(EVENT, f"{EVENT}/vouchers/{code.lower()}"))

    @rule(code=st.sampled_from(CODES))
    def lapse(self, code):
        self.run(LapseReservation(EVENT, code.lower()))

    @rule(
        target=names, wanted=st.dictionaries(st.sampled_from(sorted(TYPES)), st.integers(1, 3), min_size=1),
        codes=st.lists(st.sampled_from(CODES), unique=True),
    )  # fmt: skip
    def hold(self, wanted, codes):
        lines = [Wanted(f"{EVENT}/ticketTypes/{kind}", count) for kind, count in wanted.items()]
        name = f"{EVENT}/bookings/{self.number()}"
        command = Hold(EVENT, name, "users/u", lines, timedelta(minutes=10), voucher_codes=tuple(codes))
        return name if self.run(command) else multiple()

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

    @rule(hall=st.integers(0, 14), table=st.integers(0, 7))
    def change_offer(self, hall, table):
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, hall, table)))

    @invariant()
    def uses_are_those_of_live_bookings_and_never_too_many(self):
        """INVARIANT: a voucher is redeemed for the tickets of live bookings and for no more than max_uses."""
        counted = Counter()
        for booking in self.live():
            counted.update(booking.redeemed())
        assert {use.voucher: use.uses for use in self.of(VoucherUse) if use.uses} == dict(counted)
        for use in self.of(VoucherUse):
            assert not 0 < use.max_uses < use.uses
            assert use.used_up == (0 < use.max_uses <= use.uses)

    @invariant()
    def taken_places_are_those_of_live_bookings_and_of_unredeemed_reservations(self):
        """INVARIANT: each place that is taken belongs to one live booking or is kept for one use of a voucher."""
        counted = Counter()
        for booking in self.live():
            counted.update(booking.demand().places)
        for use in self.of(VoucherUse):
            counted.update(use.keeps)
        assert {pool: taken for pool, taken in self.stock.inventory.taken.items() if taken} == dict(+counted)

    @invariant()
    def nothing_is_kept_beyond_what_is_reserved(self):
        """INVARIANT: what is kept and what is redeemed are together no more than what was reserved, while it lasts."""
        for use in self.of(VoucherUse):
            assert 0 <= use.kept <= use.keepable
            assert not (use.kept and (use.gone or use.lapsed))

    @invariant()
    def what_is_hidden_is_booked_with_a_voucher(self):
        """INVARIANT: no ticket of a hidden type is sold without a use of a voucher that reveals it."""
        for booking in self.live():
            for line in booking.lines:
                assert not line.ticket_type.endswith("secret") or line.vouchers


Redeemed.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None, print_blob=True)
TestRedeemed = Redeemed.TestCase
TestLongRedeemed = for_long(Redeemed, 300)
