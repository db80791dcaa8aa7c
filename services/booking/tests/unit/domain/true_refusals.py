"""Whether what was refused could not be had, worked out from the bookings, vouchers and entries that the journal has.

Neither the inventory nor any other count is looked at: those are what may be wrong.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from hypothesis import event
from sale_invariants import Invariants

from booking_service.domain.booking import Booking, Line
from booking_service.domain.commands import Change, Command, CreateVouchers, Hold
from booking_service.domain.lines import some_of
from booking_service.domain.occupancy import held_for_change
from booking_service.domain.offer import Offer
from booking_service.domain.selling import Wanted
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_entry import EntryState, WaitingEntry


class TrueRefusals(Invariants):
    """For a machine that tells of each command that was alone at the desks, and refused."""

    now: datetime

    def a_refusal_is_true(self, command: Command, trouble: BaseException | None) -> None:
        """INVARIANT: nobody hears that something is sold out, or used up, while what they want of it is left."""
        reason = getattr(trouble, "reason", "")
        if reason == "VOUCHER_USED_UP" and isinstance(command, Hold):
            event("used up")
            assert any(self.is_used_up(use, command) for use in self.uses_of_vouchers()), "there are uses left"
        if reason == "SOLD_OUT":
            event(f"sold out for {type(command).__name__}")
            assert not self.fits(command), "it would have fit"

    def fits(self, command: Command) -> bool:
        """False also for what this cannot tell."""
        if isinstance(command, Hold):
            own = self.kept_for(command)
            return self.have_places(command.wanted, own, ()) and self.have_seats(command.wanted, ())
        if isinstance(command, Change):
            gone = lines_leaving(self.bookings[command.booking], command)
            back = Counter(pool for line in gone for pool in self.offer.draws(line.sort) * line.quantity)  # by now
            told = not any(line.vouchers for line in self.bookings[command.booking].lines)
            return told and self.have_places(command.add, back, gone) and self.have_seats(command.add, gone)
        if isinstance(command, CreateVouchers):
            kept = Counter(pool for each in command.vouchers for pool in each.pools(self.offer) * each.reserved)
            return self.suffices(self.taken(), kept)
        return False

    def living(self) -> Iterable[Booking]:
        """What has places and whose time is not over, whether anybody has written that down or not."""
        for booking in self.bookings.values():
            if booking.state.takes_places and not booking.hold_is_over(self.now):
                yield booking
                change = held_for_change(booking)
                if change is not None and not booking.change_is_over(self.now):
                    yield change

    def taken(self) -> Counter[str]:
        """By whom lives, and for whom has a code."""
        taken: Counter[str] = Counter()
        for part in self.living():
            taken.update(self.places_of(part))
        for use in self.uses_of_vouchers():
            taken.update(use.places_of(self.kept(use)))
        return taken

    def uses(self, use: VoucherUse) -> int:
        return sum(part.redeemed().get(use.voucher, 0) for part in self.living())

    def kept(self, use: VoucherUse) -> int:
        """Tickets for which it keeps places once all is ended whose time is over: that keeps its places again."""
        if use.gone or use.lapsed or (use.lapse_time is not None and use.lapse_time <= self.now):
            return 0
        uses = self.uses(use)
        return min(use.kept + use.uses - uses, max(0, use.reserved - uses))

    def kept_for(self, command: Hold) -> Counter[str]:
        """Places that are kept for its codes."""
        own: Counter[str] = Counter()
        for use, count in self.redeemed_by(command):
            own.update(use.places_of(min(self.kept(use), count)))
        return own

    def redeemed_by(self, command: Hold) -> list[tuple[VoucherUse, int]]:
        """At most so many times."""
        ids = {code.lower() for code in command.voucher_codes}
        vouchers = {each.id: each for each in self.all_of(Voucher) if each.id in ids}
        return [
            (use, sum(each.quantity for each in command.wanted if vouchers[use.voucher].covers(each.ticket_type)))
            for use in self.uses_of_vouchers() if use.voucher in vouchers
        ]  # fmt: skip

    def is_used_up(self, use: VoucherUse, command: Hold) -> bool:
        wanted = {each.voucher: count for each, count in self.redeemed_by(command)}
        return 0 < use.max_uses < self.uses(use) + wanted.get(use.voucher, 0)

    def have_places(self, wanted: Sequence[Wanted], own: Counter[str], gone: Sequence[Line]) -> bool:
        """own: what is taken already for who wants it."""
        offer, taken = self.offer, self.taken()
        needed = Counter(pool for each in wanted for pool in pools_of(offer, each.ticket_type) * each.quantity)
        needed.subtract(own)
        return self.suffices(taken + self.kept_for_waiters(taken), needed)

    def suffices(self, taken: Counter[str], needed: Counter[str]) -> bool:
        offer = self.offer
        return all(taken[pool] + count <= offer.capacity_of(pool) for pool, count in needed.items() if count > 0)

    def kept_for_waiters(self, taken: Counter[str]) -> Counter[str]:
        """What those on the waiting list can be served with is for nobody else."""
        offer, kept = self.offer, Counter()
        waiting = [each for each in self.all_of(WaitingEntry) if each.state is EntryState.WAITING]
        for kind in {each.ticket_type for each in waiting if offer.find_ticket_type(each.ticket_type)}:
            pools = Counter(pools_of(offer, kind))
            free = min((offer.capacity_of(pool) - taken[pool]) // count for pool, count in pools.items())
            if offer.ticket_type(kind).sections:
                free = min(free, len(self.free_seats(kind)))
            wishes = [each.quantity for each in waiting if each.ticket_type == kind and each.quantity <= free]
            kept.update({pool: count * min(sum(wishes), free) for pool, count in pools.items() if wishes})
        return kept

    def free_seats(self, ticket_type: str, back: Sequence[str] = ()) -> list[str]:
        """back: those that leave."""
        sections = self.offer.ticket_type(ticket_type).sections
        taken = {seat for part in self.living() for line in part.lines for seat in line.seats} - set(back)
        return [
            seat for section in self.offer.sections if section.id in sections
            for row in section.rows for label in row.seats
            if (seat := f"{section.id}/{row.label}/{label}") not in taken
        ]  # fmt: skip

    def have_seats(self, wanted: Sequence[Wanted], gone: Sequence[Line]) -> bool:
        seated = [each for each in wanted if self.offer.ticket_type(each.ticket_type).sections]
        back = [seat for line in gone for seat in line.seats]
        return not seated or sum(each.quantity for each in seated) <= len(self.free_seats(seated[0].ticket_type, back))


def pools_of(offer: Offer, ticket_type: str) -> tuple[str, ...]:
    """Of a ticket."""
    return offer.pools_of(offer.ticket_type(ticket_type), "")


def lines_leaving(booking: Booking, change: Change) -> list[Line]:
    """As far as a change names numbers of tickets; the seats are those of the last ones."""
    return [
        some_of_end(line, each.quantity)
        for each in change.reduce for line in booking.lines if line.ticket_type == each.ticket_type
    ]  # fmt: skip


def some_of_end(line: Line, count: int) -> Line:
    rest = max(0, line.quantity - count)
    return some_of(line, range(rest, line.quantity))
