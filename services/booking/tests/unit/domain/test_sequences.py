"""Any sequence of batches on one event: two desks on one journal, commits and answers that get lost, deaths.

The desk is the real one; what must hold is read from the journal after every step. `make test-long` walks for longer.
What hypothesis prints on a failure can be kept as a test of its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from at_desks import Conflicts, Sent, Unreliable, is_refused, serve_as_a_lane_does
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import precondition, rule
from sale_invariants import EVENT, Told
from true_refusals import TrueRefusals

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Cancel, CheckIn, ClaimPayment, Command, Confirm, Expire, Hold, ProjectOffer
from booking_service.domain.commands.count import CountBooking
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.selling import Wanted
from booking_service.domain.states import LIFE, BookingState
from booking_service.domain.terms import BookingTerms
from booking_service.outbound.desk import BatchDesk, expiry_cause
from booking_service.outbound.documents import BOOKINGS, booking_from_document
from booking_service.outbound.lanes import Waiting
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, Refusal, Unavailable
from domain_kit.repository import Cause

TYPES = {"free": (0, ("hall",)), "paid": (1999, ("hall",)), "dinner": (4500, ("hall", "table"))}
BUYERS = ("users/ada", "users/bob", "users/eve")
FAULTS = st.sampled_from(["", "", "", "", "lost", "unanswered", "died before", "died after"])
WANTED = st.just({"free": 1}) | st.dictionaries(
    st.sampled_from(sorted(TYPES)), st.integers(1, 3), min_size=1, max_size=2
)
START = datetime(2027, 1, 1, tzinfo=UTC)


def offer(
    version: int,
    hall: int,
    table: int,
    state: OfferState,
    most: int,
    most_paid: int,
    moved: tuple[str, ...] = ("hall",),
) -> Offer:
    start = datetime(2028, 1, 1, tzinfo=UTC)
    kinds = tuple(
        OfferedType(
            f"{EVENT}/ticketTypes/{name}", name, Money(price, "EUR"), moved if name == "paid" else pools,
            most_per_person=most_paid if name == "paid" else 0,
        )
        for name, (price, pools) in TYPES.items()
    )  # fmt: skip
    pools, terms = {"hall": Pool(hall), "table": Pool(table)}, BookingTerms(most_per_person=most)
    return Offer(
        EVENT, "organizers/o", "E", state, start, start, "UTC", kinds, pools, version, published=True, terms=terms
    )


class Sale(TrueRefusals):
    HELD_FOR = timedelta(minutes=10)
    OTHERS: tuple[type, ...] = ()  # what is answered beside bookings

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.loop = asyncio.new_event_loop()
        self.journal = Unreliable(lambda: self.now)
        self.desks = [self.new_desk(), self.new_desk()]
        self.sent: list[Sent] = []
        self.unanswered: list[Sent] = []
        self.answers: dict[str, Booking | None] = {}  # cause → what its caller was told first, if it was recorded
        self.told: dict[str, Booking] = {}  # name → the newest state anybody was told
        self.money: dict[str, Money] = {}  # payment → what came
        self.bookings: dict[str, Booking] = {}
        self.documents: dict[str, object] = {}
        self.facts: dict[str, list[Told]] = defaultdict(list)  # by aggregate
        self.told_of: dict[str, list[tuple[str, bytes]]] = defaultdict(list)  # by type: aggregate and payload
        self.changed: list[str] = []
        self.seen: set[str] = set()
        self.send([ProjectOffer(self.offered(1, 6, 3, OfferState.PUBLISHED, 0, 0))], 0, "")

    def offered(self, *changes: object) -> Offer:
        """What the event sells, see `offer`."""
        return offer(*changes)

    def teardown(self) -> None:
        self.loop.close()

    def new_desk(self) -> BatchDesk:
        return BatchDesk(self.journal, metrics=Conflicts())

    def send(self, commands: Sequence[Command], desk: int, fault: str) -> None:
        self.serve([self.sending(each) for each in commands], desk, fault)

    def sending(self, command: Command) -> Sent:
        """Under a cause of its own."""
        return Sent(command, self.cause_of(command))

    def cause_of(self, command: Command) -> Cause:
        if isinstance(command, Expire):
            return expiry_cause(self.bookings[command.booking])
        return Cause(self.number(), self.number().encode(), actor=getattr(command, "buyer", "users/somebody"))

    def serve(self, batch: Sequence[Sent], desk: int, fault: str = "", other: Sequence[Sent] = ()) -> None:
        """One batch at a desk, maybe at the same time as another at the other desk; answers are noted and checked."""
        before = self.stored()
        waiting = [[self.waiting(each) for each in batch], [self.waiting(each) for each in other]]
        came = [each.command for each in (*batch, *other) if isinstance(each.command, ClaimPayment)]
        self.money.update({each.payment: each.amount for each in came})
        self.journal.fault = fault

        async def both() -> None:
            desks = (self.desks[desk], self.desks[1 - desk])
            await asyncio.gather(*map(serve_as_a_lane_does, desks, waiting))

        self.loop.run_until_complete(both())
        self.journal.fault = ""
        if fault.startswith("died"):
            self.desks[desk] = self.new_desk()  # and nobody hears of anything
            self.unanswered += batch
            for each in waiting[0]:
                each.done.cancel()
        self.look()
        for sent, one in zip([*batch, *other], [*waiting[0], *waiting[1]], strict=True):
            if not one.done.cancelled():
                self.note(sent, one)
        if all(is_refused(one) for one in (*waiting[0], *waiting[1])):
            self.a_refusal_changes_nothing(before)
            if len(batch) + len(other) == 1:
                self.a_refusal_is_true(batch[0].command, waiting[0][0].done.exception())

    def waiting(self, sent: Sent) -> Waiting:
        return Waiting(sent.command, sent.cause, self.loop.create_future())

    def note(self, sent: Sent, one: Waiting) -> None:
        key = sent.cause.key
        if sent not in self.sent:
            self.sent.append(sent)
        trouble = one.done.exception()
        if isinstance(trouble, Unavailable):
            self.unanswered.append(sent)
            return
        if trouble is not None:
            assert isinstance(trouble, Refusal), trouble
            assert key not in self.answers, "what was granted is refused when it is asked again"
            return
        answer = one.done.result()
        if sent.command.recorded:
            assert key in self.journal.rows, "told before the commit"
        if isinstance(sent.command, ProjectOffer):
            return
        if sent.command.recorded:
            assert self.answers.setdefault(key, answer) == answer, "a repeat gets another answer"
        if not isinstance(answer, Booking):
            assert isinstance(answer, self.OTHERS)
        elif answer.version >= self.told.get(answer.name, answer).version:
            self.told[answer.name] = answer

    def look(self) -> None:
        """What the journal says by now; only what is new is read."""
        for key in self.journal.rows.keys() - self.seen:
            for each in self.journal.rows[key]["ev"]:
                self.facts[each["s"]].append(Told(each["v"], each["t"], bytes(each["d"])))
                self.told_of[each["t"]].append((each["s"], bytes(each["d"])))
        self.seen = set(self.journal.rows)
        former, stored = dict(self.bookings), self.journal.collections.get(BOOKINGS, {})
        self.changed = [name for name, document in stored.items() if self.documents.get(name) is not document]
        self.documents = dict(stored)
        self.bookings.update({name: booking_from_document(stored[name]) for name in self.changed})
        self.only_known_steps_were_taken({name: former[name] for name in self.changed if name in former})

    def stored(self) -> object:
        return (set(self.journal.rows), {name: dict(each) for name, each in self.journal.collections.items()})

    def some(self, number: int) -> str:
        return sorted(self.bookings)[number % len(self.bookings)]

    # What can be asked for.

    def command(self, draw) -> Command:
        kind = draw.draw(
            st.sampled_from(
                ["hold", "hold", "confirm", "confirm", "pay", "pay", "cancel", "expire", "check in", "count"]
            )
        )
        if kind == "hold" or not self.bookings:
            wanted = draw.draw(
                st.dictionaries(st.sampled_from(sorted(TYPES)), st.integers(1, 3), min_size=1, max_size=2)
            )
            lines = [Wanted(f"{EVENT}/ticketTypes/{type}", count) for type, count in wanted.items()]
            buyer = draw.draw(st.sampled_from(BUYERS))
            return Hold(EVENT, f"{EVENT}/bookings/{self.number()}", buyer, lines, self.HELD_FOR)
        name = self.some(draw.draw(st.integers(0, 30)))
        booking = self.bookings[name]
        if kind == "pay":
            amount = (booking.due or booking.total) + Money(int(draw.draw(st.integers(0, 5)) == 0), "EUR")
            again = booking.payment and draw.draw(st.booleans())
            payment = booking.payment if again else f"payments/{self.number()}"
            return ClaimPayment(EVENT, name, payment, self.money.get(payment, amount), self)
        if kind == "check in" and booking.tickets:
            ticket = booking.tickets[0]
            return CheckIn(EVENT, name, ticket.name, ticket.code)
        if kind in ("expire", "count"):
            return (Expire if kind == "expire" else CountBooking)(EVENT, name)
        return Cancel(EVENT, name, "why") if kind == "cancel" else Confirm(EVENT, name, self)

    def batch(self, draw, most: int) -> list[Sent]:
        """As a lane makes them: no two of one cause or on one subject."""
        batch: dict[object, Sent] = {}
        for _ in range(draw.draw(st.integers(1, most))):
            command = self.command(draw)
            batch.setdefault(command.subject or id(command), self.sending(command))
        return list(batch.values())

    @rule(draw=st.data(), desk=st.integers(0, 1), fault=FAULTS)
    def a_batch_is_served(self, draw, desk, fault):
        self.serve(self.batch(draw, 4), desk, fault)

    @rule(draw=st.data())
    def two_desks_serve_at_once(self, draw):
        self.serve(self.batch(draw, 3), 0, other=self.batch(draw, 3))

    @precondition(lambda self: self.unanswered)
    @rule(draw=st.data(), desk=st.integers(0, 1), fault=FAULTS)
    def who_was_not_answered_asks_again(self, draw, desk, fault):
        sent = self.unanswered.pop(draw.draw(st.integers(0, len(self.unanswered) - 1)))
        self.serve([sent], desk, fault)

    @precondition(lambda self: self.sent)
    @rule(number=st.integers(0, 99), desk=st.integers(0, 1), reused=st.booleans())
    def a_request_comes_again(self, number, desk, reused):
        sent = self.sent[number % len(self.sent)]
        if not reused or not sent.command.recorded or sent.cause.key not in self.journal.rows:
            self.serve([sent], desk)
            return
        before, one = self.stored(), self.waiting(Sent(sent.command, Cause(sent.cause.key, b"another request")))
        self.loop.run_until_complete(serve_as_a_lane_does(self.desks[desk], [one]))
        self.look()
        assert isinstance(one.done.exception(), InvalidArgument)
        self.a_refusal_changes_nothing(before)

    @rule(minutes=st.sampled_from([1, 4, 11]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.held())
    @rule(number=st.integers(0, 9), desk=st.integers(0, 1), paying=st.booleans())
    def somebody_comes_too_late(self, number, desk, paying):
        held = self.held()
        booking = held[number % len(held)]
        self.now = max(self.now, booking.hold_expire_time)
        late = ClaimPayment(EVENT, booking.name, f"payments/{self.number()}", booking.total, self)
        self.send([late if paying else Confirm(EVENT, booking.name, self)], desk, "")

    def held(self) -> list[Booking]:
        return [booking for _, booking in sorted(self.bookings.items()) if booking.state is BookingState.HELD]

    @rule(desk=st.integers(0, 1))
    def a_process_dies(self, desk):
        self.desks[desk] = self.new_desk()

    @rule(
        hall=st.integers(0, 9), table=st.integers(0, 4), off=st.integers(0, 9), most=st.sampled_from([0, 0, 2, 5]),
        most_paid=st.sampled_from([0, 1, 3]), desk=st.integers(0, 1), fault=FAULTS,
        moved=st.sampled_from([("hall",), ("hall",), ("table",), ("hall", "table")]),
    )  # fmt: skip
    def the_offer_changes(self, hall, table, off, most, most_paid, desk, fault, moved):
        state = OfferState.CANCELLED if off == 0 else OfferState.PUBLISHED
        changes = (self.offer.version + 1, hall, table, state, most, most_paid, moved)
        self.send([ProjectOffer(self.offered(*changes))], desk, fault)

    # What must hold.

    def a_refusal_changes_nothing(self, before: object) -> None:
        """INVARIANT: where everybody was told no, nothing was written but what was over anyway."""
        rows, collections = before
        new = {key for key in self.journal.rows if key not in rows}
        assert all(key.startswith(("booking.expiry|", "booking.lapse|")) for key in new)
        if not new:
            after = self.journal.collections
            assert {name: list(map(id, each.values())) for name, each in after.items()} == {
                name: list(map(id, each.values())) for name, each in collections.items()
            }

    def only_known_steps_were_taken(self, former: dict[str, Booking]) -> None:
        """INVARIANT: no booking leaves a state in a way that the table does not have, nor loses a version."""
        steps = {(before, after) for (before, _), after in LIFE.transitions.items()}
        for name, booking in former.items():
            after = self.bookings[name]
            assert after.version >= booking.version
            assert after == booking or after.version > booking.version
            if after.version == booking.version + 1 and after.state is not booking.state:
                assert (booking.state, after.state) in steps
                over = booking.hold_is_over(self.now)
                assert after.state is not (BookingState.CONFIRMED if over else BookingState.EXPIRED)

    def asked(self) -> list[Sent]:
        return [*self.sent, *self.unanswered]


Sale.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None, print_blob=True)
TestSale = Sale.TestCase
TestLongSale = for_long(Sale, 600)
