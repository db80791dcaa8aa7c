from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_service.domain.availability import SaleState, availability_of, next_change
from booking_service.domain.offer import OfferState
from domain_kit.refusals import FailedPrecondition

HOURS = st.one_of(st.none(), st.integers(-300, 300))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    state=st.sampled_from(OfferState), start=HOURS, end=HOURS, least=st.integers(1, 3), taken=st.integers(0, 6),
    capacity=st.integers(0, 5), at=st.integers(-300, 300),
)  # fmt: skip
def test_a_type_is_on_sale_exactly_when_its_smallest_booking_is_taken(
    make, state, start, end, least, taken, capacity, at
):
    """INVARIANT: what availability says is what a hold finds."""
    now = make.NOW + timedelta(hours=at)
    window = {
        name: None if hours is None else make.NOW + timedelta(hours=hours)
        for name, hours in (("sale_start", start), ("sale_end", end))
    }
    offer = make.offer(make.type(least=least, **window), capacities={"hall": capacity}, state=state)
    stock = make.stock(offer, hall=taken)
    try:
        make.decide(make.hold(standard=least), stock, now=now)
        taken_now = True
    except FailedPrecondition:
        taken_now = False
    (seen,) = availability_of(offer, stock.inventory, now).ticket_types
    assert (seen.sale_state is SaleState.ON_SALE) == taken_now
    assert seen.remaining == max(0, capacity - taken)


def test_types_that_share_a_pool_share_what_remains(make):
    kinds = make.type("a"), make.type("b", pools=("hall", "balcony"))
    offer = make.offer(*kinds, capacities={"hall": 10, "balcony": 3})
    seen = availability_of(offer, make.stock(offer, hall=4, balcony=1).inventory, make.NOW)
    assert [each.remaining for each in seen.ticket_types] == [6, 2]
    assert seen.bookable


def test_time_alone_changes_it_at_the_next_edge_of_a_sale(make):
    opens = make.NOW + timedelta(hours=1)
    offer = make.offer(make.type(sale_start=opens))
    assert next_change(offer, make.NOW) == opens
    assert next_change(offer, opens) == offer.start_time
    assert next_change(offer, offer.start_time) is None
    assert next_change(make.offer(state=OfferState.CANCELLED), make.NOW) is None
