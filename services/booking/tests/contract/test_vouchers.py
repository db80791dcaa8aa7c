"""Vouchers and limits for one person over the in-memory journal and the embedded database, with replicas that race."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.commands import (
    Cancel,
    ClaimPayment,
    CreateVouchers,
    DeleteVoucher,
    Expire,
    UpdateVoucher,
)
from booking_service.domain.people import Person, person_key
from booking_service.domain.pricing.inputs import VoucherKind
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms
from booking_service.handlers.lapse_reservations import lapse_reservations
from booking_service.handlers.manage_vouchers import create_vouchers
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import BOOKINGS, VOUCHER_USES
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoStocks
from booking_service.outbound.shelf import load_records
from booking_service.outbound.vouchers import MongoVouchers, lapse_cause
from domain_kit.money import Money
from domain_kit.refusals import Aborted, AlreadyExists, FailedPrecondition, NotFound

HALF = {"kind": VoucherKind.PERCENT, "basis_points": 5000}


async def results_of(calls):
    results = await asyncio.gather(*calls, return_exceptions=True)
    ok = [each for each in results if not isinstance(each, BaseException)]
    return ok, [each for each in results if isinstance(each, BaseException)]


class Interrupted:
    """A journal whose first commit comes after something that another replica does."""

    def __init__(self, journal, meanwhile):
        self._journal, self._meanwhile, self.commits = journal, meanwhile, 0

    def __getattr__(self, name):
        return getattr(self._journal, name)

    async def commit_batch(self, writes, rows):
        self.commits += 1
        if self.commits == 1:
            await self._meanwhile()
        await self._journal.commit_batch(writes, rows)


@pytest.fixture
async def replicas(make, journal):
    """Two replicas on one database, with an event on sale."""
    lanes = [make.lanes_on(journal, batch=8) for _ in range(2)]
    await lanes[0].submit(make.project(make.offer()), make.cause())
    return lanes


@pytest.fixture
def vouchers(journal):
    return MongoVouchers(journal)


async def issue(make, lanes, *vouchers):
    return await lanes.submit(CreateVouchers(make.EVENT, vouchers), make.cause())


def redeem(make, *codes, buyer="users/ada", **wanted):
    return replace(make.hold(buyer, **wanted), voucher_codes=codes)


async def taken(journal, make):
    return (await MongoStocks(journal).stock(make.EVENT)).inventory.taken.get("hall", 0)


async def test_two_replicas_race_for_the_last_uses(make, journal, replicas, vouchers):
    """INVARIANT: uses never exceed max_uses, whichever replica a booking reaches; the rest hear VOUCHER_USED_UP."""
    await issue(make, replicas[0], make.voucher(max_uses=5, **HALF))
    held, refused = await results_of(
        replicas[number % 2].submit(redeem(make, "spring", buyer=f"users/{number}"), make.cause())
        for number in range(24)
    )
    assert len(held) == 5
    assert {each.reason for each in refused} == {"VOUCHER_USED_UP"}
    assert {each.metadata["remaining"] for each in refused} == {"0"}
    assert {booking.total for booking in held} == {Money(1250, "EUR")}
    _, use = await vouchers.found(make.EVENT, "SPRING")
    assert (use.uses, use.used_up) == (5, True)
    await replicas[1].submit(Cancel(make.EVENT, held[0].name, ""), make.cause())
    again, late = await results_of(
        replicas[number % 2].submit(redeem(make, "Spring"), make.cause()) for number in range(6)
    )
    assert (len(again), len(late)) == (1, 5)


async def test_two_replicas_race_to_make_one_code(make, journal, replicas, vouchers):
    """INVARIANT: a code is unique in its event, whatever its case and whoever makes it."""
    made, refused = await results_of(
        issue(make, replicas[number % 2], make.voucher("Spring" if number % 2 else "SPRING", tag=str(number)))
        for number in range(8)
    )
    assert len(made) == 1
    assert {type(each) for each in refused} == {AlreadyExists}
    assert (await vouchers.found(make.EVENT, "spring"))[0] == made[0]


async def test_nothing_is_booked_on_a_voucher_that_changed_before_the_commit(make, journal, replicas):
    """INVARIANT: nothing is booked on a voucher older than its last change."""
    made = await issue(make, replicas[0], make.voucher(**HALF))
    change = UpdateVoucher(make.EVENT, made.name, lambda stored: replace(stored, basis_points=1000))
    behind = Interrupted(journal, lambda: replicas[0].submit(change, make.cause()))
    booking = await Lanes([BatchDesk(behind)]).submit(redeem(make, "SPRING"), make.cause())
    assert (booking.total, behind.commits) == (Money(2250, "EUR"), 2)
    behind = Interrupted(journal, lambda: replicas[0].submit(Cancel(make.EVENT, booking.name, ""), make.cause()))
    assert await Lanes([BatchDesk(behind)]).submit(redeem(make, "SPRING"), make.cause())


async def test_nothing_is_booked_on_a_voucher_that_was_deleted_before_the_commit(make, journal, replicas):
    made = await issue(make, replicas[0], make.voucher(**HALF))
    delete = DeleteVoucher(make.EVENT, made.name)
    behind = Interrupted(journal, lambda: replicas[0].submit(delete, make.cause()))
    with pytest.raises(FailedPrecondition, match="VOUCHER_UNKNOWN"):
        await Lanes([BatchDesk(behind)]).submit(redeem(make, "SPRING"), make.cause())
    assert await taken(journal, make) == 0


async def test_a_delete_and_a_redemption_exclude_each_other(make, journal, replicas, vouchers):
    """INVARIANT: no live booking has redeemed a voucher that was deleted."""
    for round_ in range(4):
        made = await issue(make, replicas[0], make.voucher(f"CODE{round_}", **HALF))
        results = await asyncio.gather(
            replicas[0].submit(DeleteVoucher(make.EVENT, made.name), make.cause()),
            replicas[1].submit(redeem(make, made.code), make.cause()),
            return_exceptions=True,
        )
        refused = [each for each in results if isinstance(each, BaseException)]
        assert [each.reason for each in refused] in (["VOUCHER_IN_USE"], ["VOUCHER_UNKNOWN"])
        left = await vouchers.found(make.EVENT, made.code)
        assert (left is None) == (refused[0].reason == "VOUCHER_UNKNOWN")


async def test_reserved_places_are_for_bearers_until_they_lapse(make, journal, replicas, vouchers, clock):
    await issue(make, replicas[0], make.voucher(reserved=3, valid_until=make.NOW + timedelta(minutes=30)))
    assert await taken(journal, make) == 3
    held, refused = await results_of(
        replicas[number % 2].submit(make.hold(f"users/{number}"), make.cause()) for number in range(50)
    )
    assert (len(held), {each.reason for each in refused}) == (47, {"SOLD_OUT"})
    await replicas[1].submit(redeem(make, "SPRING", standard=2), make.cause())
    assert await taken(journal, make) == 50
    _, use = await vouchers.found(make.EVENT, "SPRING")
    assert (use.uses, use.kept) == (2, 1)
    clock.advance(minutes=9)
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await replicas[0].submit(make.hold(), make.cause())


async def test_a_lapsed_reservation_is_freed_before_anybody_hears_sold_out(make, journal, replicas, vouchers, clock):
    await issue(make, replicas[0], make.voucher(reserved=45, valid_until=make.NOW + timedelta(minutes=30)))
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await replicas[1].submit(make.hold(standard=6), make.cause())
    clock.advance(minutes=30)
    assert await replicas[1].submit(make.hold(standard=6), make.cause())
    _, use = await vouchers.found(make.EVENT, "SPRING")
    assert (use.kept, use.lapsed, use.lapse_time) == (0, True, None)
    assert await taken(journal, make) == 6


async def test_two_sweepers_free_a_reservation_once(make, journal, replicas, vouchers, clock):
    until = make.NOW + timedelta(minutes=30)
    await issue(make, replicas[0], make.voucher(reserved=4, valid_until=until), make.voucher("LATER", reserved=2))
    assert await lapse_reservations(vouchers, replicas[0], lapse_cause, now=make.NOW) == 0
    clock.advance(minutes=30)
    await asyncio.gather(*(lapse_reservations(vouchers, each, lapse_cause, now=clock()) for each in replicas * 2))
    assert await taken(journal, make) == 2
    assert not await vouchers.due(clock(), 10)


async def test_uses_and_reserved_places_come_back_with_the_booking_and_go_with_late_money(
    make, journal, replicas, vouchers, clock
):
    await issue(make, replicas[0], make.voucher(reserved=2, max_uses=2, **HALF))
    booking = await replicas[0].submit(redeem(make, "SPRING", standard=2), make.cause())
    clock.advance(minutes=11)
    await replicas[1].submit(Expire(make.EVENT, booking.name), make.cause())
    _, use = await vouchers.found(make.EVENT, "SPRING")
    assert (use.uses, use.kept, await taken(journal, make)) == (0, 2, 2)
    paid = ClaimPayment(make.EVENT, booking.name, "payments/1", booking.total, make.Issuer())
    confirmed = await replicas[0].submit(paid, make.cause())
    _, use = await vouchers.found(make.EVENT, "SPRING")
    assert (confirmed.state, use.uses, use.kept, await taken(journal, make)) == (BookingState.CONFIRMED, 2, 0, 2)


async def test_late_money_does_not_take_a_use_that_another_has_by_now(make, journal, replicas, clock):
    await issue(make, replicas[0], make.voucher(max_uses=1, **HALF))
    late = await replicas[0].submit(redeem(make, "SPRING"), make.cause())
    clock.advance(minutes=11)
    assert await replicas[1].submit(redeem(make, "SPRING", buyer="users/bob"), make.cause())
    paid = ClaimPayment(make.EVENT, late.name, "payments/1", late.total, make.Issuer())
    after = await replicas[0].submit(paid, make.cause())
    assert (after.state, after.unclaimed) == (BookingState.EXPIRED, ("payments/1",))
    assert await taken(journal, make) == 1


async def test_a_batch_is_all_or_nothing_and_its_repeat_answers_the_same(make, journal, replicas, vouchers):
    wanted = {"event": make.EVENT, "draft": make.voucher("XXXX", reserved=1, tag="press"), "prefix": "VIP-"}
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await create_vouchers(replicas[0], vouchers, **wanted, count=51, cause=make.cause())
    assert await journal.find(VOUCHER_USES, {}) == []
    cause = make.cause("users/olga|batch|1", b"payload")
    made = await create_vouchers(replicas[0], vouchers, **wanted, count=50, cause=cause)
    again = await create_vouchers(replicas[1], vouchers, **wanted, count=50, cause=cause)
    assert [voucher.name for voucher, _ in made] == [voucher.name for voucher, _ in again]
    assert len({voucher.code for voucher, _ in made}) == 50
    assert all(len(voucher.code) == 20 and voucher.code.startswith("VIP-") for voucher, _ in made)
    assert await taken(journal, make) == 50


async def test_lists_come_in_pages_by_code_tag_and_what_is_used_up(make, journal, replicas, vouchers):
    several = [make.voucher(f"CODE{number}", max_uses=1, tag="ab"[number % 2], **HALF) for number in range(6)]
    await issue(make, replicas[0], *several)
    await replicas[0].submit(redeem(make, "CODE3"), make.cause())
    await replicas[0].submit(DeleteVoucher(make.EVENT, several[5].name), make.cause())

    async def codes(*conditions, limit=10, after=None):
        page, following = await vouchers.of_event(make.EVENT, conditions, after=after, limit=limit)
        return [voucher.code for voucher, _ in page], following

    of = make.condition
    assert (await codes())[0] == ["CODE0", "CODE1", "CODE2", "CODE3", "CODE4"]
    first, following = await codes(limit=2)
    assert (first, (await codes(limit=9, after=following))[0]) == (["CODE0", "CODE1"], ["CODE2", "CODE3", "CODE4"])
    assert (await codes(of("tag", "b"), of("used_up", value=False)))[0] == ["CODE1"]
    assert (await codes(of("used_up", value=True)))[0] == ["CODE3"]
    assert (await codes(of("voucher", "code4")))[0] == ["CODE4"]


async def test_an_old_etag_is_refused_and_a_redemption_does_not_change_it(make, journal, replicas):
    made = await issue(make, replicas[0], make.voucher(**HALF))
    await replicas[1].submit(redeem(make, "SPRING"), make.cause())
    update = UpdateVoucher(make.EVENT, made.name, lambda stored: replace(stored, tag="new"), etag='"1"')
    assert (await replicas[0].submit(update, make.cause())).version == 2
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await replicas[1].submit(update, make.cause())


async def test_a_code_that_was_deleted_is_unknown_and_can_be_made_anew(make, journal, replicas):
    made = await issue(make, replicas[0], make.voucher(**HALF))
    await replicas[0].submit(DeleteVoucher(make.EVENT, made.name), make.cause())
    for lanes in replicas:
        with pytest.raises(NotFound):
            await lanes.submit(DeleteVoucher(make.EVENT, made.name), make.cause())
    again = await issue(make, replicas[1], make.voucher("spring", **HALF))
    assert (again.version, again.code, again.deleted) == (3, "spring", False)
    assert (await replicas[0].submit(redeem(make, "SPRING"), make.cause())).total == Money(1250, "EUR")


async def test_a_rehearsal_answers_as_booking_would_and_writes_nothing(make, journal, replicas, clock):
    desk = BatchDesk(journal)
    await issue(make, replicas[0], make.voucher(max_uses=2, **HALF))
    quoted = await desk.rehearse(redeem(make, "SPRING", standard=2))
    assert quoted.total == Money(2500, "EUR")
    assert await journal.find(BOOKINGS, {}) == []
    assert (await replicas[1].submit(redeem(make, "SPRING", standard=2), make.cause())).total == quoted.total
    with pytest.raises(FailedPrecondition, match="VOUCHER_USED_UP"):
        await desk.rehearse(redeem(make, "SPRING"))
    clock.advance(minutes=10)
    assert (await desk.rehearse(redeem(make, "SPRING", standard=2))).total == quoted.total


async def test_one_person_cannot_have_more_than_the_limit_through_two_replicas(make, journal, replicas):
    """INVARIANT: 20 holds at once, on two replicas, by one person: as many tickets as the limit, and no more."""
    terms = BookingTerms(most_per_person=7)
    kinds = make.type(), make.type("vip", most_per_person=2)
    await replicas[0].submit(make.project(make.offer(*kinds, terms=terms, version=2)), make.cause())
    held, refused = await results_of(
        replicas[number % 2].submit(make.hold(**{"vip" if number % 4 < 2 else "standard": 1}), make.cause())
        for number in range(20)
    )
    assert {each.reason for each in refused} == {"TOO_MANY_FOR_PERSON"}
    assert len(held) == 7
    assert sum(booking.lines[0].ticket_type.endswith("vip") for booking in held) <= 2
    key = person_key(make.EVENT, "users/ada")
    person = (await load_records(journal, [key]))[key]
    assert isinstance(person, Person)
    assert sum(person.tickets.values()) == 7
    await replicas[1].submit(Cancel(make.EVENT, held[0].name, ""), make.cause())
    more, _ = await results_of(replicas[number % 2].submit(make.hold(), make.cause()) for number in range(20))
    assert len(more) == 1
    assert await replicas[0].submit(make.hold("users/bob", standard=3), make.cause())


async def test_a_person_whose_hold_is_over_is_not_told_of_too_many(make, journal, replicas, clock):
    terms = BookingTerms(most_per_person=2)
    await replicas[0].submit(make.project(make.offer(terms=terms, version=2)), make.cause())
    await replicas[0].submit(make.hold(standard=2), make.cause())
    clock.advance(minutes=10)
    assert await replicas[1].submit(make.hold(standard=2), make.cause())
