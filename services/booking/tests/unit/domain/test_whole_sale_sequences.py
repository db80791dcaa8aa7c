"""The same sequences of batches at two desks, commits that get lost and deaths, with all that an event can sell.

Vouchers of limited uses, places kept for them, seats, a waiting list and changes of bookings beside plain bookings.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import event, settings
from hypothesis.stateful import initialize, precondition, rule
from sale_invariants import EVENT
from test_sequences import BUYERS, FAULTS, Sale
from whole_sale_invariants import WholeInvariants

from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Cancel,
    Change,
    ClaimPayment,
    Command,
    Confirm,
    CreateVouchers,
    DeleteVoucher,
    Hold,
    JoinWaitingList,
    LapseReservation,
    LeaveWaitingList,
    OfferPlaces,
    SetWaitingPriority,
    UpdateVoucher,
    WithdrawChange,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.pricing.inputs import RefundStep, VoucherKind
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import WaitingListTerms
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import servable, wish_of
from booking_service.outbound.documents import inventory_from_document
from domain_kit.money import Money

SOLD = ("free", "paid", "dinner", "seat", "secret")
CODES = ("AAAA", "BBBB")
SECTIONS = (Section("stalls", "Stalls", tuple(SeatRow(row, tuple("1234")) for row in "AB")),)
ORDER = st.dictionaries(st.sampled_from(SOLD[:4]), st.integers(1, 3), min_size=1, max_size=2)
ADDED = st.dictionaries(st.sampled_from(SOLD[:4]), st.integers(1, 2), max_size=1)
REDEEMED = st.just(()) | st.lists(st.sampled_from(CODES), unique=True, max_size=2).map(tuple)
NUMBER = st.integers(0, 30)
KINDS = st.lists(st.sampled_from(SOLD), unique=True, max_size=2).map(lambda some: tuple(sorted(map(type_name, some))))


def type_name(kind: str) -> str:
    return f"{EVENT}/ticketTypes/{kind}"


class WholeSale(WholeInvariants, Sale):
    OTHERS = (Voucher, VoucherUse, WaitingEntry, type(None))

    def offered(self, *changes: object) -> Offer:
        plain = super().offered(*changes)
        more = (
            OfferedType(type_name("seat"), "seat", Money(2500, "EUR"), ("hall",), sections=("stalls",)),
            OfferedType(type_name("secret"), "secret", Money(900, "EUR"), ("hall",), hidden=True),
        )
        terms = replace(
            plain.terms, change_allowed=True, refund_steps=(RefundStep(timedelta(0), 3_333),),
            waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(minutes=20)),
        )  # fmt: skip
        return replace(plain, ticket_types=(*plain.ticket_types, *more), sections=SECTIONS, terms=terms)

    def made_by(self, command):
        return command.bookings if isinstance(command, OfferPlaces) else super().made_by(command)

    def command(self, draw) -> Command:
        kinds = ["hold", "hold", "hold", "voucher", "entry", "change", "change", "offer places", "plain", "plain"]
        what = draw.draw(st.sampled_from(kinds))
        if what == "voucher":
            return self.about_a_voucher(draw)
        if what == "entry":
            return self.about_an_entry(draw)
        if what == "offer places":
            return self.offer_of_places(draw.draw(st.integers(1, 3)))
        if what == "plain" and self.bookings:
            return super().command(draw)
        return self.change(draw) if what == "change" and self.bookings else self.hold(draw)

    def hold(self, draw) -> Hold:
        codes, order = draw.draw(REDEEMED), draw.draw(ORDER)
        lines = [
            Wanted(type_name(kind), count, seats=self.chosen(draw, count) if kind == "seat" else ())
            for kind, count in ({**order, "secret": 1} if codes and draw.draw(st.booleans()) else order).items()
        ]
        name, buyer = f"{EVENT}/bookings/{self.number()}", draw.draw(st.sampled_from(BUYERS))
        return Hold(EVENT, name, buyer, lines, self.HELD_FOR, voucher_codes=codes)

    def chosen(self, draw, count: int) -> tuple[str, ...]:
        """Some that are free, or now and then not; none: the best."""
        at = draw.draw(st.none() | st.integers(0, 7))
        seats = self.free_seats(type_name("seat")) if draw.draw(st.booleans()) else ["stalls/A/1", "stalls/A/2"]
        some = () if at is None or not seats else tuple(seats[at % len(seats) :][:count])
        return some if len(some) == count else ()

    def change(self, draw) -> Command:
        """Fewer, more, others, withdrawn, or all of it called off for a part of its price."""
        lasting = [booking.name for booking in self.live() if not booking.state.pending]
        name = lasting[draw.draw(NUMBER) % len(lasting)] if lasting else self.some(draw.draw(NUMBER))
        what = draw.draw(st.sampled_from(["change"] * 6 + ["withdraw", "cancel"]))
        if what == "cancel":
            return Cancel(EVENT, name, "why", basis_points=draw.draw(st.integers(0, 10_000)))
        if what == "withdraw":
            return WithdrawChange(EVENT, name)
        line = draw.draw(st.sampled_from(self.bookings[name].lines))
        fewer = min(line.quantity, draw.draw(st.integers(0, 2)))
        reduced = (Reduction(line.ticket_type, "", fewer),) if fewer else ()
        added = tuple(Wanted(type_name(kind), count) for kind, count in draw.draw(ADDED).items())
        return Change(EVENT, name, (), reduced, added, draw.draw(st.booleans()), self, self.HELD_FOR)

    def about_a_voucher(self, draw) -> Command:
        code, what = (
            draw.draw(st.sampled_from(CODES)),
            draw.draw(st.sampled_from(["", "", "", "edit", "delete", "end"])),
        )
        name, most, kept = (
            f"{EVENT}/vouchers/{code.lower()}",
            draw.draw(st.integers(0, 5)),
            draw.draw(st.integers(0, 4)),
        )
        until = self.now + timedelta(minutes=draw.draw(st.integers(5, 40)))
        if what == "edit":
            new = {"max_uses": most, "reserved": kept, "valid_until": until}
            return UpdateVoucher(EVENT, name, lambda stored: replace(stored, **new))
        if what == "delete":
            return DeleteVoucher(EVENT, name)
        if what == "end":
            return LapseReservation(EVENT, code.lower())
        percent = draw.draw(st.booleans())
        voucher = Voucher(
            name, EVENT, code, self.now, self.now, ticket_types=draw.draw(KINDS),
            kind=VoucherKind.PERCENT if percent else VoucherKind.NONE, basis_points=1000 if percent else 0,
            max_uses=most, reserved=kept, reveals=True, valid_until=until if draw.draw(st.booleans()) else None,
        )  # fmt: skip
        return CreateVouchers(EVENT, [voucher])

    def about_an_entry(self, draw) -> Command:
        what, number = draw.draw(st.sampled_from(["join", "join", "join", "leave", "move"])), draw.draw(NUMBER)
        entries = self.all_of(WaitingEntry)
        if what == "join" or not entries:
            name, kind = f"{EVENT}/waitingListEntries/{self.number()}", draw.draw(st.sampled_from(SOLD[:4]))
            user, count = draw.draw(st.sampled_from(BUYERS)), draw.draw(st.integers(1, 2))
            return JoinWaitingList(EVENT, name, user, type_name(kind), "", count)
        entry = entries[number % len(entries)].name
        return (
            LeaveWaitingList(EVENT, entry, "") if what == "leave" else SetWaitingPriority(EVENT, entry, "", number % 3)
        )

    @property
    def counted(self) -> Inventory:
        return inventory_from_document(self.inventory)

    def queue(self) -> list[WaitingEntry]:
        """All who wait, as their turns come."""
        waiting = [each for each in self.all_of(WaitingEntry) if each.state is EntryState.WAITING]
        return sorted(waiting, key=lambda each: (-each.priority, each.number))

    def offer_of_places(self, at_once: int) -> OfferPlaces:
        """What the worker would look up now."""
        wishes = frozenset(servable(self.offer, self.counted))
        names = tuple(each.name for each in self.queue() if wish_of(each) in wishes)[:at_once]
        bookings = tuple(f"{EVENT}/bookings/{self.number()}" for _ in names)
        return OfferPlaces(EVENT, names, bookings, wishes, self.counted.reordered)

    @initialize()
    def vouchers_are_made(self):
        most = Voucher(f"{EVENT}/vouchers/aaaa", EVENT, "AAAA", self.now, self.now, max_uses=4, reveals=True)
        kept = replace(
            most, name=f"{EVENT}/vouchers/bbbb", code="BBBB", max_uses=0, reserved=2, kind=VoucherKind.PERCENT,
            basis_points=2_500, ticket_types=(type_name("paid"),), valid_until=self.now + timedelta(minutes=40),
        )  # fmt: skip
        self.send([CreateVouchers(EVENT, [most]), CreateVouchers(EVENT, [kept])], 0, "")

    @rule(draw=st.data(), desk=st.integers(0, 1), fault=FAULTS)
    def somebody_books(self, draw, desk, fault):
        """Until the end, where nothing gets lost."""
        hold = self.hold(draw)
        self.send([hold], desk, fault)
        if (booking := self.bookings.get(hold.booking)) is not None:
            self.pay(booking, desk)

    @precondition(lambda self: any(each.pending or each.entry for each in self.live()))
    @rule(number=NUMBER, desk=st.integers(0, 1))
    def what_was_offered_or_changed_is_paid(self, number, desk):
        waiting = [each for each in self.live() if each.pending or (each.entry and each.state.pending)]
        if waiting:
            self.pay(waiting[number % len(waiting)], desk)

    def pay(self, booking: Booking, desk: int) -> None:
        paid = ClaimPayment(EVENT, booking.name, f"payments/{self.number()}", booking.due, self)
        self.send([paid if booking.due else Confirm(EVENT, booking.name, self)], desk, "")

    @precondition(lambda self: any(not each.state.pending for each in self.live()))
    @rule(draw=st.data(), desk=st.integers(0, 1), fault=FAULTS)
    def somebody_changes_a_booking(self, draw, desk, fault):
        self.send([self.change(draw)], desk, fault)

    @precondition(lambda self: self.live())
    @rule(draw=st.data(), desk=st.integers(0, 1))
    def somebody_wants_what_another_gives_back(self, draw, desk):
        """At the other desk, at the same time."""
        name = self.some(draw.draw(NUMBER))
        self.serve([self.sending(Cancel(EVENT, name, "why"))], desk, other=[self.sending(self.hold(draw))])

    @precondition(lambda self: self.queue())
    @rule(desk=st.integers(0, 1), fault=FAULTS, at_once=st.integers(1, 3))
    def those_who_wait_are_offered_places(self, desk, fault, at_once):
        """INVARIANT: each offer goes to the first of all who wait and can be served, by priority and arrival."""
        queue, before = self.queue(), self.counted
        self.send([self.offer_of_places(at_once)], desk, fault)
        now = {each.name: each for each in self.all_of(WaitingEntry)}
        served = [each.name for each in queue if now[each.name].state is not EntryState.WAITING]
        while queue and served:
            first = next(each for each in queue if self.can_be_served(each, before))
            assert first.name == served.pop(0), "was passed"
            queue.remove(first)
            if now[first.name].state is EntryState.OFFERED:
                event("offered")
                before = self.without(before, first)

    def can_be_served(self, entry: WaitingEntry, counted: Inventory) -> bool:
        """Worked out from nothing but capacities and what is taken."""
        offer, seats = self.offer, sum(len(row.seats) for row in SECTIONS[0].rows) - counted.seats.get("stalls", 0)
        pools = offer.ticket_type(entry.ticket_type).pools
        short = any(counted.taken.get(pool, 0) + entry.quantity > offer.capacity_of(pool) for pool in pools)
        return not short and (entry.quantity <= seats or not entry.ticket_type.endswith("seat"))

    def without(self, counted: Inventory, entry: WaitingEntry) -> Inventory:
        """What is left to others."""
        more = dict.fromkeys(self.offer.ticket_type(entry.ticket_type).pools, entry.quantity)
        seats = {"stalls": entry.quantity} if entry.ticket_type.endswith("seat") else {}
        return replace(
            counted, taken=Counter(counted.taken) + Counter(more), seats=Counter(counted.seats) + Counter(seats)
        )  # fmt: skip

    @precondition(lambda self: self.queue())
    @rule(desk=st.integers(0, 1))
    def all_who_wait_are_served(self, desk):
        """INVARIANT: once all are served, a free place is one that nobody who waits can use."""
        for _ in range(len(self.queue())):
            self.send([self.offer_of_places(3)], desk, "")
        assert not any(self.can_be_served(each, self.counted) for each in self.queue())


WholeSale.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, print_blob=True)
TestWholeSale = WholeSale.TestCase
TestLongWholeSale = for_long(WholeSale, 500)
