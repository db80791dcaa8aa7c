"""Resale over the in-memory journal and over the embedded database, with two replicas: one suite."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    CheckIn,
    ClaimPayment,
    Expire,
    JoinWaitingList,
    OfferForResale,
    WithdrawResaleOffer,
)
from booking_service.domain.ports import Condition
from booking_service.domain.resale_offer import ResaleBatch, ResaleState
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.handlers.serve_waiting_list import serve_waiting_list
from booking_service.outbound.desk import expiry_cause
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from booking_service.outbound.resale_offers import MongoResaleOffers
from booking_service.outbound.waiting_entries import MongoWaitingEntries
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition, NotFound

TERMS = BookingTerms(resale_allowed=True, waiting_list=WaitingListTerms(enabled=True))


async def sold_out(make, lanes, places, **changes):
    """The bookings of all places of the event, one each and paid."""
    offer = make.offer(capacities={"hall": places}, terms=replace(TERMS, **changes))
    await lanes.submit(make.project(offer), make.cause())
    held = [await lanes.submit(make.hold(f"users/early{each}"), make.cause()) for each in range(places)]
    return [await pay(make, lanes, booking) for booking in held]


class Issuer:
    def issue(self, booking: str) -> tuple[str, str]:
        return f"{booking}/tickets/{new_id()}", new_id()


async def pay(make, lanes, booking):
    claim = ClaimPayment(make.EVENT, booking.name, f"payments/{new_id()}", booking.total, Issuer())
    await lanes.submit(claim, make.cause())
    return claim.booking


def offering(make, booking):
    names = tuple(f"{make.EVENT}/resaleOffers/{new_id()}" for _ in booking.tickets)
    return OfferForResale(make.EVENT, booking.name, tuple(each.name for each in booking.tickets), names)


async def for_sale(make, journal, lanes, names):
    """Of each of these bookings all tickets, offered one after the other."""
    offers = []
    for name in names:
        booking = await MongoBookings(journal).get(name)
        batch = await lanes.submit(offering(make, booking), make.cause())
        assert isinstance(batch, ResaleBatch)
        offers += await MongoResaleOffers(journal).many(batch.offers)
    return offers


async def test_twenty_buyers_race_for_three_tickets_on_two_replicas(make, journal):
    """INVARIANT: never two buyers for one ticket, never more valid tickets than places, each seller refunded once."""
    replicas = [make.lanes_on(journal) for _ in range(2)]
    early = await sold_out(make, replicas[0], 5)
    offers = await for_sale(make, journal, replicas[0], early[:3])

    async def buy(number):
        held = await replicas[number % 2].submit(make.hold(f"users/late{number}"), make.cause())
        return await pay(make, replicas[(number + 1) % 2], held)

    results = await asyncio.gather(*(buy(number) for number in range(20)), return_exceptions=True)
    bought = [each for each in results if isinstance(each, str)]
    assert Counter(each.reason for each in results if isinstance(each, FailedPrecondition)) == {"SOLD_OUT": 17}
    assert len(bought) == 3
    stored = await MongoResaleOffers(journal).many([each.name for each in offers])
    assert {each.state for each in stored} == {ResaleState.SOLD}
    assert sorted(each.buyer_booking for each in stored) == sorted(bought)
    bookings = [await MongoBookings(journal).get(name) for name in (*early, *bought)]
    valid = [each for booking in bookings for each in booking.tickets if each.state is TicketState.VALID]
    codes = {each.code for booking in bookings for each in booking.tickets}
    assert (len(valid), len(codes)) == (5, 8)
    assert [each.refunded for each in bookings] == [2500] * 3 + [0] * 5
    inventory = (await MongoStocks(journal).stock(make.EVENT)).inventory
    assert (inventory.taken, inventory.sold, inventory.resale) == ({"hall": 5}, {"standard": 5}, {})


async def test_buying_withdrawing_and_entering_at_once_leave_one_who_has_it(make, journal):
    """INVARIANT: whatever comes first, a ticket ends in one pair of hands."""
    replicas = [make.lanes_on(journal) for _ in range(2)]
    early = await sold_out(make, replicas[0], 6)
    offers = await for_sale(make, journal, replicas[0], early)
    bookings = [await MongoBookings(journal).get(each.booking) for each in offers]

    async def buy(number):
        held = await replicas[number % 2].submit(make.hold(f"users/late{number}"), make.cause())
        return await pay(make, replicas[number % 2], held)

    async def withdraw(number):
        return await replicas[(number + 1) % 2].submit(
            WithdrawResaleOffer(make.EVENT, offers[number].name), make.cause()
        )

    async def enter(number):
        ticket = bookings[number].tickets[0]
        scan = CheckIn(make.EVENT, bookings[number].name, ticket.name, ticket.code)
        return await replicas[number % 2].submit(scan, make.cause())

    calls = [call(number) for number in range(6) for call in (buy, withdraw, enter)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = {each.reason for each in results if isinstance(each, BaseException)}
    assert refused <= {
        "SOLD_OUT", "RESALE_RESERVED", "RESALE_OFFER_SOLD", "RESALE_OFFER_LAPSED", "TICKET_VOID", "BOOKING_CANCELLED",
    }  # fmt: skip
    bought = [each for each in results if isinstance(each, str)]
    stored = await MongoResaleOffers(journal).many([each.name for each in offers])
    assert not any(each.state.live for each in stored)
    assert sum(each.state is ResaleState.SOLD for each in stored) == len(bought)
    for each in stored:
        seller = await MongoBookings(journal).get(each.booking)
        assert (seller.state is BookingState.CANCELLED) is (each.state is ResaleState.SOLD)
        assert seller.refunded == (2500 if each.state is ResaleState.SOLD else 0)
    assert (await MongoStocks(journal).stock(make.EVENT)).inventory.taken == {"hall": 6}


async def test_a_hold_that_ran_out_is_sold_on_before_anybody_hears_that_it_is_sold_out(make, journal, clock):
    """INVARIANT: nobody is sent away because of a reservation whose time is over."""
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    early = await sold_out(make, lanes, 1)
    [offered] = await for_sale(make, journal, lanes, early)
    held = await lanes.submit(make.hold("users/bob"), make.cause())
    assert held.lines[0].resale_offer == offered.name
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await other.submit(make.hold("users/eve"), make.cause())
    clock.advance(minutes=11)
    eve = await other.submit(make.hold("users/eve"), make.cause())
    assert eve.lines[0].resale_offer == offered.name
    await lanes.submit(Expire(make.EVENT, held.name), expiry_cause(held))
    assert (await MongoResaleOffers(journal).get(offered.name)).buyer_booking == eve.name
    await pay(make, lanes, eve)
    assert (await MongoBookings(journal).get(early[0])).state is BookingState.CANCELLED


async def test_a_repeat_of_the_request_gets_the_same_offers(make, journal):
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 1)
    booking = await MongoBookings(journal).get(early[0])
    cause = make.cause()
    first = await lanes.submit(offering(make, booking), cause)
    again = await make.lanes_on(journal).submit(offering(make, booking), cause)
    assert first == again
    page = await MongoResaleOffers(journal).of_event(make.EVENT, limit=9)
    assert tuple(each.name for each in page.items) == first.offers


async def test_waiters_are_served_from_what_is_sold_on_in_their_order(make, journal, clock):
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 3)
    for user in ("users/w1", "users/w2"):
        entry = f"{make.EVENT}/waitingListEntries/{new_id()}"
        kind = f"{make.EVENT}/ticketTypes/standard"
        await lanes.submit(JoinWaitingList(make.EVENT, entry, user, kind, "", 1), make.cause())
    offers = await for_sale(make, journal, lanes, early[:1])
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await lanes.submit(make.hold("users/stranger"), make.cause())
    entries, stocks = MongoWaitingEntries(journal), MongoStocks(journal)
    assert await entries.due(clock(), 9) == [make.EVENT]
    while await serve_waiting_list(entries, stocks, lanes, clock, event=make.EVENT):
        pass
    found = (await entries.of_event(make.EVENT, limit=9)).items
    assert [(each.user, each.state.name) for each in found] == [("users/w1", "OFFERED"), ("users/w2", "WAITING")]
    stored = await MongoResaleOffers(journal).get(offers[0].name)
    assert (stored.state, stored.buyer_booking) == (ResaleState.RESERVED, found[0].booking)
    clock.advance(hours=25)  # not answered: the next in turn
    held = await MongoBookings(journal).get(found[0].booking)
    await lanes.submit(Expire(make.EVENT, held.name), expiry_cause(held))
    await serve_waiting_list(entries, stocks, lanes, clock, event=make.EVENT)
    found = (await entries.of_event(make.EVENT, limit=9)).items
    assert [(each.user, each.state.name) for each in found] == [("users/w1", "LAPSED"), ("users/w2", "OFFERED")]


async def test_thirty_waiters_are_served_with_thirty_tickets_in_one_commit(make, journal, clock):
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 30)
    for number in range(30):
        entry, kind = f"{make.EVENT}/waitingListEntries/{new_id()}", f"{make.EVENT}/ticketTypes/standard"
        join = JoinWaitingList(make.EVENT, entry, f"users/w{number:02}", kind, "", 1)
        await lanes.submit(join, make.cause())
    offers = await for_sale(make, journal, lanes, early)
    entries, stocks = MongoWaitingEntries(journal), MongoStocks(journal)
    assert await serve_waiting_list(entries, stocks, lanes, clock, event=make.EVENT)
    found = (await entries.of_event(make.EVENT, limit=99)).items
    assert {each.state.name for each in found} == {"OFFERED"}
    stored = await MongoResaleOffers(journal).many([each.name for each in offers])
    assert [each.buyer_booking for each in stored] == [each.booking for each in found]


async def test_offers_are_listed_by_event_and_by_seller(make, journal, clock):
    lanes, offers = make.lanes_on(journal), MongoResaleOffers(journal)
    early = await sold_out(make, lanes, 3)
    made = []
    for name in early:
        clock.advance(seconds=1)
        made += await for_sale(make, journal, lanes, [name])
    await lanes.submit(WithdrawResaleOffer(make.EVENT, made[1].name), make.cause())
    first = await offers.of_event(make.EVENT, limit=2)
    rest = await offers.of_event(make.EVENT, after=first.following, limit=2)
    assert [each.name for each in (*first.items, *rest.items)] == sorted(each.name for each in made)
    open_ones = await offers.of_event(make.EVENT, [Condition("state", "OPEN")], limit=9)
    assert {each.name for each in open_ones.items} == {made[0].name, made[2].name}
    kind = Condition("ticket_type", f"{make.EVENT}/ticketTypes/standard", same=False)
    assert not (await offers.of_event(make.EVENT, [kind], limit=9)).items
    assert [each.name for each in (await offers.of_user("users/early1", limit=9)).items] == [made[1].name]
    with pytest.raises(NotFound):
        await offers.get(f"{make.EVENT}/resaleOffers/none")


async def test_a_lane_that_remembers_an_older_inventory_still_finds_what_is_sold_on(make, journal, clock):
    """INVARIANT: SOLD_OUT is never said on what was merely remembered, nor is a ticket overlooked."""
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    early = await sold_out(make, lanes, 1)
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await other.submit(make.hold("users/bob"), make.cause())
    await for_sale(make, journal, lanes, early)
    held = await other.submit(make.hold("users/bob"), make.cause())
    assert isinstance(held, Booking)
    assert held.hold_expire_time == clock() + timedelta(minutes=10)
