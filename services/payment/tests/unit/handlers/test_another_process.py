"""What another process has written of a booking: nobody looks for it before the store or somebody else refuses."""

from dataclasses import replace

import pytest

from domain_kit.refusals import FailedPrecondition, InvalidArgument, Unavailable
from payment_service.domain.states import State
from payment_service.handlers.create_payment import Chosen, create_payment
from payment_service.outbound.repositories import MongoPayments

BOOKING = "events/e/bookings/b"


def elsewhere(shop) -> None:
    """The next calls reach another process."""
    shop.world.payments = MongoPayments(shop.world.journal)
    assert not shop.world.payments.knows_of(BOOKING)


async def test_a_booking_has_one_open_payment_over_all_processes(shop) -> None:
    """INVARIANT: what a booking owes is asked for once."""
    first = await shop.create("one")
    for request in ("one", "two"):
        elsewhere(shop)
        assert (await shop.create(request)).name == first.name
    assert len(shop.world.journal.collections["payments"]) == 1


async def test_it_is_found_too_where_the_gateway_is_down_or_nothing_is_to_be_paid_any_more(shop) -> None:
    first = await shop.create("one")
    elsewhere(shop)
    shop.world.gateway.down = True
    assert (await shop.create("two")).name == first.name
    shop.world.gateway.down = False
    assert (await shop.confirm(first)).state is State.SUCCEEDED
    elsewhere(shop)
    paid = shop.world.bookings.known[BOOKING]
    shop.world.bookings.known[BOOKING] = replace(paid, state="CONFIRMED", held_until=None)
    assert (await shop.create("three")).state is State.SUCCEEDED
    elsewhere(shop)
    shop.world.bookings.known[BOOKING] = replace(paid, state="CONFIRMED", held_until=None, claimed=(first.name,))
    assert await shop.create("one") == first
    with pytest.raises(FailedPrecondition):
        await shop.create("four")


async def test_one_to_be_paid_otherwise_gives_way(shop) -> None:
    first = await shop.create("one")
    elsewhere(shop)
    shop.world.bookings.held(BOOKING, "users/u", first.amount * 2)
    second = await shop.create("two", chosen=Chosen("card"))
    assert (second.name != first.name, second.amount) == (True, first.amount * 2)
    assert (await shop.world.payments.get(first.name)).state is State.CANCELLED


async def test_without_an_answer_of_booking_a_repeat_has_the_first_answer(shop, monkeypatch) -> None:
    async def is_away(_booking):
        raise Unavailable("UNAVAILABLE", "away")

    first = await shop.create("one")
    elsewhere(shop)
    monkeypatch.setattr(shop.world.bookings, "owed", is_away)
    assert await shop.create("one") == first
    with pytest.raises(Unavailable):
        await shop.create("two")


async def test_a_request_id_is_for_one_request(shop) -> None:
    await shop.create("one")
    elsewhere(shop)
    w, cause = shop.world, shop.world.cause("users/u", "create", "one", payload="another")
    with pytest.raises(InvalidArgument) as caught:
        await create_payment(w.payments, w.bookings, w.gateways, "9", BOOKING, "users/u", cause=cause, clock=w.now)
    assert caught.value.reason == "REQUEST_ID_REUSED"
