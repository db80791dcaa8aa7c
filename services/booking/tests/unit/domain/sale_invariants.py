"""What must hold of an event after every step, whatever happened; read from the journal alone."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from hypothesis.stateful import invariant
from numbered import Numbered

from booking_service.domain.booking import Booking, issued_by, own_places
from booking_service.domain.commands import ClaimPayment, Hold
from booking_service.domain.occupancy import held_for_change
from booking_service.domain.offer import Offer
from booking_service.domain.people import Person
from booking_service.domain.pool_moves import present_draws
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.voucher_use import VoucherUse
from booking_service.outbound.documents import INVENTORY, KIND_OF, OFFERS, inventory_from_document, offer_from_document
from domain_kit.money import Money
from domain_kit.trails import BEGINNING, followed
from testkit.memory import MemoryJournal
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as pb

EVENT = "events/e"


class Told(NamedTuple):
    """A domain event of an aggregate."""

    version: int
    type: str
    payload: bytes


class Invariants(Numbered):
    """For a machine that keeps `bookings` and `facts` as the journal has them, what money came and what was told."""

    journal: MemoryJournal
    bookings: dict[str, Booking]
    facts: dict[str, list[Told]]
    told_of: dict[str, list[tuple[str, bytes]]]
    changed: list[str]  # bookings that the last step changed
    money: dict[str, Money]
    told: dict[str, Booking]

    @property
    def inventory(self):
        return self.journal.collections[INVENTORY][EVENT]

    @property
    def offer(self) -> Offer:
        return offer_from_document(self.journal.collections[OFFERS][EVENT])

    def all_of(self, kind):
        stored = self.journal.collections.get(KIND_OF[kind].collection, {})
        return [KIND_OF[kind].from_document(stored[name]) for name in sorted(stored)]

    def uses_of_vouchers(self) -> list[VoucherUse]:
        """With the pools in which what they keep counts now."""
        stock = Stock(self.offer, inventory_from_document(self.inventory))
        return [replace(use, pools=present_draws(use.sort, use.pools, stock)) for use in self.all_of(VoucherUse)]

    def people(self) -> list[Person]:
        return self.all_of(Person)

    def places_of(self, part: Booking) -> Mapping[str, int]:
        """Pool → how many of its places a booking has, where its tickets draw now, or what an exchange of it holds."""
        live = self.bookings[part.name]
        if part != live and live.pending is not None and live.pending.remove:
            return part.demand().places  # it stays where it was taken
        places = Counter[str]()
        for line in own_places(part.lines):
            places.update(dict.fromkeys(self.offer.draws(line.sort), line.quantity))
        return places

    def parts(self) -> Iterator[Booking]:
        """What takes places: live bookings, and what their pending changes hold beside them."""
        for booking in self.bookings.values():
            if booking.state.takes_places:
                yield booking
                if (change := held_for_change(booking)) is not None:
                    yield change

    def aggregates(self) -> Collection[str]:
        """Names of all to which something can happen."""
        return self.bookings.keys()

    def may_change(self, told: Booking) -> bool:
        """Whether others may have changed what its buyer was told."""
        return False

    def of_kind(self, kind) -> list[tuple[str, object]]:
        return [(subject, kind.FromString(payload)) for subject, payload in self.told_of[kind.DESCRIPTOR.full_name]]

    @invariant()
    def no_pool_gives_more_than_it_has(self):
        """INVARIANT: places are taken only where there are some: after any hold or late payment none is too many.

        Another offer may count what is taken in other pools.
        """
        taken, capacity = self.inventory["taken"], self.offer
        same = getattr(self, "version_sold", 0) == capacity.version
        previous = self.previously_taken if same else taken
        self.version_sold = capacity.version
        for pool, places in taken.items():
            assert places <= max(capacity.capacity_of(pool), previous.get(pool, 0))
        self.previously_taken = dict(taken)

    @invariant()
    def taken_places_are_those_of_live_bookings(self):
        """INVARIANT: each place that is taken belongs to one live booking, or is kept for one use of a voucher."""
        taken, sold = Counter(), Counter()
        for part in self.parts():
            taken.update(self.places_of(part))
            sold.update(part.demand().tickets)
        for use in self.uses_of_vouchers():
            taken.update(use.keeps)
        assert {pool: each for pool, each in self.inventory["taken"].items() if each} == dict(taken)
        assert {kind: each for kind, each in self.inventory["sold"].items() if each} == dict(sold)

    @invariant()
    def tallies_are_those_of_live_bookings(self):
        """INVARIANT: what counts against a person's limits is what the person holds."""
        held: dict[str, Counter[str]] = defaultdict(Counter)
        for part in self.parts():
            if part.counted:
                held[part.buyer].update(issued_by(part.lines))
        people = {each.buyer: dict(each.tickets) for each in self.people() if each.tickets}
        assert people == {buyer: dict(tickets) for buyer, tickets in held.items()}

    @invariant()
    def nobody_has_more_than_the_limit(self):
        """INVARIANT: a tally grows only up to what one person may have, or to what they had before limits came.

        Earlier bookings count when their turn comes, or with the first change of one.
        """
        previous, self.holdings = getattr(self, "holdings", {}), defaultdict(Counter)
        for part in self.parts():
            self.holdings[part.buyer].update(issued_by(part.lines))
        for person in self.people():
            before, most = previous.get(person.buyer, Counter()), self.offer.terms.most_per_person
            for kind in self.offer.ticket_types:
                count = person.tickets.get(kind.id, 0)
                assert not kind.most_per_person or count <= max(kind.most_per_person, before[kind.id])
            assert not most or sum(person.tickets.values()) <= max(most, before.total())

    @invariant()
    def totals_are_sums_of_lines(self):
        """INVARIANT: no cent is lost or made."""
        for booking in (self.bookings[name] for name in self.changed):
            units = [unit for line in booking.lines for unit in line.priced().units()]
            assert booking.total.minor_units == sum(unit.total.minor_units for unit in units)
            assert len(units) == sum(line.quantity for line in booking.lines)

    @invariant()
    def tickets_match_places(self):
        """INVARIANT: a confirmed booking has a ticket for each place, none is valid in any other state."""
        for booking in (self.bookings[name] for name in self.changed):
            usable = [ticket for ticket in booking.tickets if ticket.state is not TicketState.VOID]
            places = sum(line.quantity for line in booking.lines)
            assert len(usable) == (places if booking.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN) else 0)

    @invariant()
    def no_two_tickets_are_the_same(self):
        """INVARIANT: a code admits one bearer."""
        tickets = [ticket for booking in self.bookings.values() for ticket in booking.tickets]
        assert len({ticket.code for ticket in tickets}) == len({ticket.name for ticket in tickets}) == len(tickets)

    @invariant()
    def each_payment_is_claimed_or_unclaimed_once(self):
        """INVARIANT: money that came confirms one booking at its price or is said to be paid back, and that once."""
        first = [fact.booking.payment for _, fact in self.of_kind(pb.BookingConfirmed) if fact.booking.payment]
        holders = [each for each in self.bookings.values() if each.payment]
        assert sorted(each.payment for each in holders) == sorted(first)
        claimed = [payment for each in self.bookings.values() for payment in each.payments]
        unclaimed = [fact.payment for _, fact in self.of_kind(pb.PaymentUnclaimed)]
        settled = Counter([*claimed, *unclaimed])
        assert [payment for payment, times in settled.items() if times > 1] == []
        waiting = {each.command.payment for each in self.unanswered if isinstance(each.command, ClaimPayment)}
        assert self.money.keys() - settled.keys() <= waiting
        for each in self.bookings.values():
            came = sum(self.money[payment].minor_units for payment in each.payments)
            assert came == each.paid + each.refunded

    @invariant()
    def what_was_cancelled_after_payment_is_due_back(self):
        """INVARIANT: exactly the paid and cancelled bookings have their total due back, once."""
        told = [(name, fact) for name, fact in self.of_kind(pb.BookingCancelled) if fact.HasField("refund_due")]
        due = {name: fact.refund_due.units * 100 + fact.refund_due.nanos // 10**7 for name, fact in told}
        assert len(due) == len(told)
        paid = [each for each in self.bookings.values() if each.state is BookingState.CANCELLED and each.payment]
        assert due == {each.name: each.total.minor_units for each in paid if each.total}

    @invariant()
    def what_was_told_is_so(self):
        """INVARIANT: nothing that was acknowledged is lost or taken back."""
        for name, told in self.told.items():
            stored = self.bookings[name]
            assert stored.version >= told.version
            assert stored.version > told.version or stored == told
            assert [each.code for each in stored.tickets][: len(told.tickets)] == [each.code for each in told.tickets]
            assert stored.buyer == told.buyer
            assert self.may_change(told) or (stored.lines, stored.total) == (told.lines, told.total)

    @invariant()
    def domain_events_count_the_versions(self):
        """INVARIANT: the n-th domain event of a booking has version n; there is none besides."""
        assert self.facts.keys() == self.aggregates()
        for name in self.changed:
            versions = sorted(told.version for told in self.facts[name])
            assert versions == list(range(1, self.bookings[name].version + 1))

    @invariant()
    def the_last_domain_event_tells_the_state(self):
        """INVARIANT: who knows the newest domain event of a booking knows the booking, and the trail leads to it."""
        for name in self.changed:
            booking, trail = self.bookings[name], BEGINNING
            told = sorted(self.facts[name])
            for each in told:
                trail = followed(trail, each.type, each.version)
            assert booking.trail == trail
            last = pb.BookingHeld.FromString(told[-1].payload).booking  # field 1 in all of them
            assert booking_pb2.BookingState.Name(last.state) == f"BOOKING_STATE_{booking.state.name}"

    @invariant()
    def one_request_makes_one_booking(self):
        """INVARIANT: however often a hold is asked for under one cause, it takes its places once."""
        held = Counter(name for kind in (pb.BookingHeld, pb.BookingApprovalRequested) for name, _ in self.of_kind(kind))
        assert held == Counter(list(self.bookings))
        assert set(self.bookings) <= {name for each in self.asked() for name in self.made_by(each.command)}

    def made_by(self, command) -> Collection[str]:
        """Names of the bookings that it may make."""
        return [command.booking] if isinstance(command, Hold) else []
