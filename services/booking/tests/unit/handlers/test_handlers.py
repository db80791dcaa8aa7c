from datetime import timedelta

import pytest

from booking_service.domain.commands import ClaimPayment
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.handlers.change_booking import cancel_booking, confirm_booking
from booking_service.handlers.check_in_ticket import check_in_ticket
from booking_service.handlers.create_booking import check_wanted, create_booking
from booking_service.handlers.expire_holds import expire_holds
from booking_service.handlers.read_bookings import get_valid_ticket
from booking_service.outbound.desk import expiry_cause
from booking_service.outbound.repositories import MongoBookings
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound


@pytest.fixture
async def lanes(make, memory):
    lanes = make.lanes_on(memory)
    free = make.type("free", price=Money(0, "EUR"))
    await lanes.submit(make.project(make.offer(make.type(), free)), make.cause())
    return lanes


async def book(make, lanes, kind="standard", quantity=1):
    wanted = [Wanted(f"{make.EVENT}/ticketTypes/{kind}", quantity)]
    ten = timedelta(minutes=10)
    return await create_booking(
        lanes, event=make.EVENT, buyer="users/ada", wanted=wanted, hold_for=ten, cause=make.cause()
    )


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ([], ["booking.lines"]),
        ([("events/other/ticketTypes/a", 1)], ["booking.lines[0].ticket_type"]),
        ([("events/e/ticketTypes/a", 1), ("events/e/ticketTypes/a", 2)], ["booking.lines[1].ticket_type"]),
        ([("events/e/ticketTypes/a", 0)], ["booking.lines[0].quantity"]),
        ([("events/e/ticketTypes/a", -1)], ["booking.lines[0].quantity"]),
        ([("events/e/ticketTypes/a", 101)], ["booking.lines[0].quantity"]),
        ([("", 2**31)], ["booking.lines[0].ticket_type", "booking.lines[0].quantity"]),
    ],
)
def test_impossible_lines_are_refused_with_their_fields(lines, fields):
    with pytest.raises(InvalidArgument) as refused:
        check_wanted("events/e", [Wanted(*line) for line in lines])
    assert [each.field for each in refused.value.violations] == fields


async def test_a_free_booking_is_made_confirmed_and_called_off(make, lanes, keys):
    booking = await book(make, lanes, "free", 2)
    confirmed = await confirm_booking(lanes, keys, name=booking.name, etag="", cause=make.cause())
    assert confirmed.state is BookingState.CONFIRMED
    off = await cancel_booking(lanes, name=booking.name, reason="ill", etag="", cause=make.cause())
    assert (off.state, off.cancel_reason) == (BookingState.CANCELLED, "ill")


def no_one(_organizer):
    return False


async def test_a_ticket_is_checked_in_by_its_code_at_its_own_event_only(make, lanes, keys, memory):
    booking = await book(make, lanes, "free")
    confirmed = await confirm_booking(lanes, keys, name=booking.name, etag="", cause=make.cause())
    code = confirmed.tickets[0].code
    with pytest.raises(InvalidArgument, match="TICKET_CODE_INVALID"):
        await check_in_ticket(lanes, keys, event=f"events/{new_id()}", code=code, cause=make.cause())
    first = make.cause("scan")
    for _ in range(2):
        admitted, ticket = await check_in_ticket(lanes, keys, event=make.EVENT, code=code, cause=first)
        assert (admitted.name, ticket.state) == (booking.name, TicketState.CHECKED_IN)
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN"):
        await check_in_ticket(lanes, keys, event=make.EVENT, code=code, cause=make.cause())
    assert (await get_valid_ticket(MongoBookings(memory), ticket.name, serves=no_one)).code == code


async def test_a_well_signed_code_of_no_ticket_is_refused(make, lanes, keys):
    booking = await book(make, lanes, "free")
    for name in (booking.name, f"{make.EVENT}/bookings/{new_id()}"):
        _, code = keys.issue(name)
        with pytest.raises(InvalidArgument, match="TICKET_CODE_INVALID"):
            await check_in_ticket(lanes, keys, event=make.EVENT, code=code, cause=make.cause())


async def test_void_and_unknown_tickets_have_no_image(make, lanes, keys, memory):
    booking = await book(make, lanes, "free")
    confirmed = await confirm_booking(lanes, keys, name=booking.name, etag="", cause=make.cause())
    await cancel_booking(lanes, name=booking.name, reason="", etag="", cause=make.cause())
    with pytest.raises(FailedPrecondition, match="TICKET_VOID"):
        await get_valid_ticket(MongoBookings(memory), confirmed.tickets[0].name, serves=no_one)
    with pytest.raises(NotFound):
        await get_valid_ticket(MongoBookings(memory), f"{booking.name}/tickets/{new_id()}", serves=no_one)


async def test_holds_are_ended_page_by_page(make, lanes, memory, clock):
    names = [(await book(make, lanes)).name for _ in range(5)]
    bookings = MongoBookings(memory)
    clock.advance(minutes=11)
    ended = [await expire_holds(bookings, lanes, expiry_cause, now=clock(), page=3) for _ in range(3)]
    assert ended == [3, 2, 0]
    assert {(await bookings.get(name)).state for name in names} == {BookingState.EXPIRED}


async def test_a_payment_for_an_unknown_booking_is_an_error(make, lanes, keys):
    name = f"{make.EVENT}/bookings/{new_id()}"
    with pytest.raises(NotFound):
        await lanes.submit(ClaimPayment(make.EVENT, name, "payments/1", Money(1, "EUR"), keys), make.cause())
