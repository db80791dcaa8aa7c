"""Two sources make one listing."""

import dataclasses
import random
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from search_service.domain.listing import Availability, Details, EventState, Listing, Offer, Place, cheapest
from search_service.handlers.index_change import index_availability, index_event
from search_service.outbound.sources import KeptSources
from testkit.projections import MemoryProjection

NAME = "events/e"
INSTANT = datetime(2027, 5, 31, 22, 30, tzinfo=UTC)


def details(title: str = "Jazz", **change: object) -> Details:
    given = Details("organizers/o", title, "", INSTANT, INSTANT, "Europe/Berlin", Place(), False, "", (), ())
    return dataclasses.replace(given, **change)  # type: ignore[arg-type]


class HighestRevision:
    """An index that keeps what Elasticsearch would: the document of the highest external version."""

    def __init__(self) -> None:
        self.listing = Listing(NAME)

    async def put(self, listing: Listing) -> None:
        if listing.revision > self.listing.revision:
            self.listing = listing


HISTORY = st.lists(st.tuples(st.booleans(), st.integers(1, 6)), min_size=1, max_size=30)


@given(HISTORY, st.randoms())
async def test_any_order_of_both_sources_with_repeats_makes_the_same_listing(
    history: list[tuple[bool, int]], shuffle: random.Random
) -> None:
    """INVARIANT: what is found depends on the newest domain events, never on the order in which they came."""

    async def told(facts: list[tuple[bool, int]]) -> tuple[Listing, Listing]:
        sources, index = KeptSources(MemoryProjection(), MemoryProjection()), HighestRevision()
        for is_event, version in facts:
            if is_event:
                hidden = version % 3 == 0
                event = EventState(NAME, version, None if hidden else details(f"Title {version}"))
                await index_event(sources, index, event)  # type: ignore[arg-type]
            else:
                availability = Availability(NAME, version, bookable=version % 2 == 0)
                await index_availability(sources, index, availability)  # type: ignore[arg-type]
        return await sources.listing(NAME), index.listing

    shuffled = [*history, *history[:5]]
    shuffle.shuffle(shuffled)
    known, shown = await told(history)
    assert await told(shuffled) == (known, known)
    assert shown == known


@given(HISTORY)
def test_the_revision_grows_with_each_change(history: list[tuple[bool, int]]) -> None:
    def after(listing: Listing, fact: tuple[bool, int]) -> Listing:
        is_event, version = fact
        if is_event:
            newer = listing.event is None or listing.event.version < version
            return dataclasses.replace(listing, event=EventState(NAME, version, None)) if newer else listing
        newer = listing.availability is None or listing.availability.version < version
        return dataclasses.replace(listing, availability=Availability(NAME, version, True)) if newer else listing

    listings = list(accumulate(history, after, initial=Listing(NAME)))
    for former, later in pairwise(listings):
        assert later.revision > former.revision or later == former


def test_a_late_older_message_does_not_bring_back_a_cancelled_event() -> None:
    cancelled = Listing(NAME, EventState(NAME, 4, None), Availability(NAME, 9, True))
    assert cancelled.details is None
    assert cancelled.prices == ()


def test_the_month_is_that_of_the_local_start() -> None:
    assert details().month == "2027-06"
    assert details(time_zone="America/Toronto").month == "2027-05"
    assert details(time_zone="Mars/Olympus").month == "2027-05"


def test_prices_of_ticket_types_whose_sale_is_over_do_not_count() -> None:
    offers = (Offer("t/early", Money(1000, "EUR")), Offer("t/late", Money(5000, "EUR")))
    listing = Listing(NAME, EventState(NAME, 1, details(offers=offers)))
    assert listing.prices == (Money(1000, "EUR"), Money(5000, "EUR"))
    ended = dataclasses.replace(listing, availability=Availability(NAME, 1, True, frozenset({"t/early"})))
    assert ended.prices == (Money(5000, "EUR"),)


def test_a_price_is_that_of_the_phase_of_now_and_else_of_the_ticket_type() -> None:
    offers = (Offer("t/standard", Money(5000, "EUR")), Offer("t/vip", Money(9000, "EUR")))
    early = Availability(NAME, 1, True, prices={"t/standard": Money(3000, "EUR"), "t/hidden": Money(1, "EUR")})
    listing = Listing(NAME, EventState(NAME, 1, details(offers=offers)), early)
    assert listing.prices == (Money(3000, "EUR"), Money(9000, "EUR"))
    over = dataclasses.replace(early, prices={"t/standard": Money(5000, "EUR")}, ended=frozenset({"t/vip"}))
    assert dataclasses.replace(listing, availability=over).prices == (Money(5000, "EUR"),)


@pytest.mark.parametrize(
    ("prices", "currency", "expected"),
    [
        ((), "", None),
        ((Money(500, "EUR"), Money(400, "JPY")), "", Money(500, "EUR")),
        ((Money(500, "EUR"), Money(4, "JPY")), "", Money(4, "JPY")),
        ((Money(500, "EUR"), Money(4, "JPY")), "EUR", Money(500, "EUR")),
        ((Money(500, "EUR"), Money(0, "JPY")), "EUR", Money(0, "JPY")),
        ((Money(500, "EUR"),), "USD", Money(500, "EUR")),
    ],
)
def test_the_cheapest_is_free_or_in_the_currency_asked_for(
    prices: tuple[Money, ...], currency: str, expected: Money | None
) -> None:
    assert cheapest(prices, currency) == expected
