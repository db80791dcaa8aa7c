"""Lets somebody through to book, if it is their turn or the event needs none."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from booking_service.domain.offer import Offer
from booking_service.domain.waiting_ports import Answered, Offers, PlaceSeals, Rooms
from booking_service.domain.waiting_room import RoomOpened, check_turn_time, needs_turn, standing_of, turn_required
from domain_kit.clock import Clock
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause

T = TypeVar("T")


async def once_let_through(
    offers: Offers, let_pass: Callable[[], Awaitable[bool]], book: Callable[[bool], Awaitable[T]]
) -> T:
    """What `book` answers after `let_pass`; both once more where a waiting room has opened that was not known of."""
    try:
        return await book(await let_pass())
    except RoomOpened as opened:
        offers.learn(opened.offer)
        return await book(await let_pass())


async def pass_waiting_room(
    offers: Offers,
    rooms: Rooms,
    seals: PlaceSeals,
    answered: Answered,
    clock: Clock,
    *,
    event: str,
    user: str,
    turn_token: str,
    exempt: Callable[[str], bool],
    cause: Cause,
) -> bool:
    """Returns when the user may book now. Who comes without a turn joins: while there is no queue, that is a turn.

    True: nobody asked for a turn, by the offer as it was last heard of; so `Hold` has to be told that it is unasked.
    FailedPrecondition TURN_REQUIRED, TURN_EXPIRED; InvalidArgument TURN_TOKEN_INVALID. The repeat of a booking that
    was taken goes through whatever has become of the turn. exempt: whether the user may book for an organizer unasked.
    """
    offer = await offers.last_known(event)
    if offer is not None and needs_turn(offer):
        offer = await offers.offer(event)
    if offer is None or not needs_turn(offer):
        return True
    if exempt(offer.organizer):
        return False
    try:
        await _check_turn(rooms, seals, clock, offer, user, turn_token)
    except FailedPrecondition:
        if not cause.fingerprint or not await answered(cause):
            raise
    return False


async def _check_turn(rooms: Rooms, seals: PlaceSeals, clock: Clock, offer: Offer, user: str, turn_token: str) -> None:
    if turn_token:
        check_turn_time(await seals.read_turn(turn_token, offer.event, user), clock())
        return
    place, room = await rooms.join(offer, user)
    standing = standing_of(place, room, offer.terms.waiting_room, clock())
    if not standing.admitted:
        raise turn_required(standing)
