"""What must hold besides of an event with vouchers, seats, a waiting list and changes; read from the journal alone."""

from collections import Counter

from hypothesis.stateful import invariant
from sale_invariants import Invariants

from booking_service.domain.booking import Booking
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.taken_seats import TakenSeats
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_entry import ENTRY_LIFE, EntryState, WaitingEntry
from resource_api import money_from_wire
from usher.booking.v1 import domain_events_pb2 as pb


class WholeInvariants(Invariants):
    """For the same machines."""

    def aggregates(self):
        return {*self.bookings, *(each.name for kind in (Voucher, WaitingEntry) for each in self.all_of(kind))}

    def may_change(self, told: Booking) -> bool:
        return self.bookings[told.name].version > told.version

    def live(self) -> list[Booking]:
        return [each for each in self.bookings.values() if each.state.takes_places]

    @invariant()
    def domain_events_count_the_versions_of_all_else(self):
        """INVARIANT: the n-th domain event of a voucher or an entry has version n; there is none besides."""
        for each in (*self.all_of(Voucher), *self.all_of(WaitingEntry)):
            assert sorted(told.version for told in self.facts[each.name]) == list(range(1, each.version + 1))

    @invariant()
    def uses_are_those_of_live_bookings_and_never_too_many(self):
        """INVARIANT: a voucher is redeemed for the tickets of live bookings and for no more than max_uses."""
        counted = Counter()
        for booking in self.live():
            counted.update(booking.redeemed())
        assert {use.voucher: use.uses for use in self.all_of(VoucherUse) if use.uses} == dict(counted)
        for use in self.all_of(VoucherUse):
            assert not 0 < use.max_uses < use.uses
            assert use.used_up == (0 < use.max_uses <= use.uses)

    @invariant()
    def nothing_is_kept_beyond_what_is_reserved(self):
        """INVARIANT: what is kept and what is redeemed are together no more than what was reserved, while it lasts."""
        for use in self.all_of(VoucherUse):
            assert 0 <= use.kept <= use.keepable
            assert not (use.kept and (use.gone or use.lapsed))

    @invariant()
    def what_is_hidden_is_booked_with_a_voucher(self):
        """INVARIANT: no ticket of a hidden type is sold without a use of a voucher that reveals it."""
        for booking in self.live():
            for line in booking.lines:
                assert not line.ticket_type.endswith("secret") or line.vouchers

    @invariant()
    def those_who_wait_are_counted(self):
        """INVARIANT: the inventory counts exactly the entries that wait."""
        waiting = [each for each in self.all_of(WaitingEntry) if each.state is EntryState.WAITING]
        counted = Counter(f"{each.ticket_type.rpartition('/')[2]}//{each.quantity}" for each in waiting)
        assert self.inventory.get("waiting", {}) == dict(counted)
        numbers = sorted(each.number for each in self.all_of(WaitingEntry))
        assert numbers == list(range(1, self.inventory.get("arrivals", 0) + 1))

    @invariant()
    def an_entry_goes_as_its_table_says(self):
        """INVARIANT: an entry stays in the state it ends in, and comes to no other in a way that there is not."""
        before, self.entries = getattr(self, "entries", {}), {each.name: each for each in self.all_of(WaitingEntry)}
        ways = {(was, to) for (was, _), to in ENTRY_LIFE.transitions.items()}
        for name, former in before.items():
            after = self.entries[name]
            steps = after.version - former.version
            assert former.state.live or after.state is former.state
            assert steps != 1 or after.state is former.state or (former.state, after.state) in ways

    @invariant()
    def an_offer_stands_as_long_as_its_booking_is_held(self):
        """INVARIANT: an entry is OFFERED exactly while its booking is held; confirmed in that time, it is FULFILLED."""
        for entry in self.all_of(WaitingEntry):
            booking = self.bookings.get(entry.booking)
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
        live = Counter((each.user, each.ticket_type) for each in self.all_of(WaitingEntry) if each.state.live)
        assert all(count == 1 for count in live.values())

    @invariant()
    def a_seat_has_one_owner(self):
        """INVARIANT: a seat belongs to one live booking or change of one, and records and counts say the same."""
        owners = [
            (part.name.rpartition("/")[2], seat) for part in self.parts() for line in part.lines for seat in line.seats
        ]
        known = [
            (owner, f"{each.section}/{row.label}/{seat}") for each in self.all_of(TakenSeats) for row in each.rows
            for owner, seats in row.bookings.items() for seat in seats
        ]  # fmt: skip
        assert sorted(owners) == sorted(known)
        assert len({seat for _, seat in owners}) == len(owners)
        counted = Counter(seat.split("/")[0] for _, seat in owners)
        assert {section: count for section, count in self.inventory.get("seats", {}).items() if count} == dict(counted)

    @invariant()
    def a_place_that_needs_a_seat_has_one(self):
        """INVARIANT: one seat a ticket, none where seats are free to choose; on the ticket stands the booking's."""
        for booking in (self.bookings[name] for name in self.changed):
            for line in booking.lines:
                assert len(line.seats) == (line.quantity if line.ticket_type.endswith("seat") else 0)
            for ticket in booking.tickets:
                if ticket.state is not TicketState.VOID:
                    line = booking.lines[ticket.unit.line]
                    assert (line.ticket_type, line.seats[ticket.unit.unit : ticket.unit.unit + 1]) == (
                        ticket.ticket_type, (ticket.seat,) if ticket.seat else (),
                    )  # fmt: skip

    @invariant()
    def what_was_cancelled_after_payment_is_due_back(self):
        """INVARIANT: what came, less what is due back, is what the rest costs and what the terms retain."""
        due = Counter()
        for kind in (pb.BookingCancelled, pb.BookingChanged):
            for name, fact in self.of_kind(kind):
                due[name] += money_from_wire(fact.refund_due).minor_units if fact.HasField("refund_due") else 0
        for each in self.bookings.values():
            assert due[each.name] == each.refunded
            assert 0 <= each.retained <= each.paid
            if each.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN):
                assert each.paid == each.total.minor_units + each.retained
            elif each.state is BookingState.CANCELLED:
                assert each.paid == each.retained

    @invariant()
    def only_confirmed_bookings_have_a_pending_change_and_it_ends(self):
        """INVARIANT: what a change holds is never held for ever."""
        for each in self.bookings.values():
            if each.pending:
                assert each.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN)
                assert each.hold_expire_time
                assert each.pending.due > 0
