"""A crowd lets its holds run out: more than a desk ends in one go, and what somebody wants may be among the last."""

from datetime import timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import initialize, rule
from sale_invariants import EVENT
from test_sequences import Sale

from booking_service.domain.commands import Hold, ProjectOffer
from booking_service.domain.offer import OfferState
from booking_service.domain.selling import Wanted

CROWD, TABLE = 150, 4


class CrowdedSale(Sale):
    @initialize(spare=st.integers(0, 3))
    def a_crowd_lets_its_holds_run_out(self, spare):
        room = self.offered(self.offer.version + 1, CROWD + TABLE + spare, TABLE, OfferState.PUBLISHED, 0, 0)
        self.send([ProjectOffer(room)], 0, "")
        self.send([self.hold(f"users/crowd{number}", "free", 1) for number in range(CROWD)], 0, "")
        self.now += timedelta(seconds=1)
        self.send([self.hold(f"users/table{number}", "dinner", 1) for number in range(TABLE)], 0, "")
        self.now += self.HELD_FOR

    def hold(self, buyer: str, kind: str, count: int) -> Hold:
        wanted = [Wanted(f"{EVENT}/ticketTypes/{kind}", count)]
        return Hold(EVENT, f"{EVENT}/bookings/{self.number()}", buyer, wanted, self.HELD_FOR)

    @rule(kind=st.sampled_from(["free", "dinner"]), count=st.integers(1, CROWD), desk=st.integers(0, 1))
    def somebody_wants_what_they_had(self, kind, count, desk):
        """INVARIANT: nobody hears that it is sold out because of holds whose time is over, however many those are."""
        self.send([self.hold("users/late", kind, min(count, TABLE) if kind == "dinner" else count)], desk, "")


CrowdedSale.TestCase.settings = settings(max_examples=12, stateful_step_count=10, deadline=None, print_blob=True)
TestCrowdedSale = CrowdedSale.TestCase
TestLongCrowdedSale = for_long(CrowdedSale, 50)
