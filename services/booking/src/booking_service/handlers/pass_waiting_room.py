"""Lets somebody through to book, if it is their turn or the event needs none."""

from collections.abc import Callable

from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.waiting_ports import Answered, Offers, PlaceSeals, Rooms
from booking_service.domain.waiting_room import check_turn_time, standing_of, turn_required
from domain_kit.clock import Clock
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause


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
) -> None:
    """Returns when the user may book now. Who comes without a turn joins: while there is no queue, that is a turn.

    FailedPrecondition TURN_REQUIRED, TURN_EXPIRED; InvalidArgument TURN_TOKEN_INVALID. The repeat of a booking that
    was taken goes through whatever has become of the turn. exempt: whether the user may book for an organizer unasked.
    """
    offer = await offers.offer(event)
    if offer is None or not offer.terms.waiting_room.enabled or offer.state is not OfferState.PUBLISHED:
        return
    if exempt(offer.organizer):
        return
    try:
        await _check_turn(rooms, seals, clock, offer, user, turn_token)
    except FailedPrecondition:
        if not cause.fingerprint or not await answered(cause):
            raise


async def _check_turn(rooms: Rooms, seals: PlaceSeals, clock: Clock, offer: Offer, user: str, turn_token: str) -> None:
    if turn_token:
        check_turn_time(await seals.read_turn(turn_token, offer.event, user), clock())
        return
    place, room = await rooms.join(offer, user)
    standing = standing_of(place, room, offer.terms.waiting_room, clock())
    if not standing.admitted:
        raise turn_required(standing)
