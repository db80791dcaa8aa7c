"""The rpcs of the waiting room: parse, handle, encode."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from google.protobuf.duration_pb2 import Duration

from access import Ownership, allows
from booking_service.domain.booking import Booking
from booking_service.domain.waiting_ports import Answered, Offers, PlaceSeals, Rooms, Watchers
from booking_service.domain.waiting_room import Standing
from booking_service.handlers.follow_place import get_place, watch_place
from booking_service.handlers.join_waiting_room import join_waiting_room
from booking_service.handlers.pass_waiting_room import once_let_through, pass_waiting_room
from domain_kit.clock import Clock
from domain_kit.repository import Cause
from grpc_runtime import principal_of
from resource_api import time_to_wire
from usher.booking.v1 import waiting_room_service_pb2 as pb
from usher.booking.v1.waiting_room_service_pb2_grpc import WaitingRoomServiceServicer

BOOKS_UNASKED = "bookings.create"
# Event, turn token, context, cause, and what books when it is told whether nobody asked for a turn.
LetPass = Callable[[str, str, object, Cause, Callable[[bool], Awaitable[Booking]]], Awaitable[Booking]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomParts:
    """What the rpcs work with."""

    offers: Offers
    rooms: Rooms
    seals: PlaceSeals
    watchers: Watchers
    answered: Answered
    clock: Clock

    async def let_pass(
        self,
        event: str,
        turn_token: str,
        context: object,
        cause: Cause,
        book: Callable[[bool], Awaitable[Booking]],
    ) -> Booking:
        """What `book`, told whether nobody asked, answers when the caller may book; refusals as `pass_waiting_room`."""
        caller = principal_of(context)
        let_pass = partial(
            pass_waiting_room, self.offers, self.rooms, self.seals, self.answered, self.clock, event=event,
            user=caller.user, turn_token=turn_token, cause=cause,
            exempt=lambda organizer: allows(caller, Ownership(organizer=organizer), permission=BOOKS_UNASKED),
        )  # fmt: skip
        return await once_let_through(self.offers, let_pass, book)


class WaitingRoomServicer(WaitingRoomServiceServicer):
    """usher.booking.v1.WaitingRoomService."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts

    async def JoinWaitingRoom(self, request: pb.JoinWaitingRoomRequest, context: object) -> pb.WaitingRoomPlace:
        parts, user = self._parts, principal_of(context).user
        standing = await join_waiting_room(parts.offers, parts.rooms, parts.clock, event=request.parent, user=user)
        return standing_to_wire(standing, parts.seals)

    async def GetWaitingRoomPlace(self, request: pb.GetWaitingRoomPlaceRequest, context: object) -> pb.WaitingRoomPlace:
        parts, user = self._parts, principal_of(context).user
        place = await parts.seals.read_place(request.place_token, request.parent, user)
        return standing_to_wire(await get_place(parts.offers, parts.rooms, parts.clock, place=place), parts.seals)

    async def WatchWaitingRoomPlace(
        self, request: pb.WatchWaitingRoomPlaceRequest, context: object
    ) -> AsyncGenerator[pb.WaitingRoomPlace, None]:
        parts, user = self._parts, principal_of(context).user
        place = await parts.seals.read_place(request.place_token, request.parent, user)
        async with aclosing(watch_place(parts.offers, parts.rooms, parts.watchers, parts.clock, place=place)) as news:
            async for standing in news:
                yield standing_to_wire(standing, parts.seals)


def standing_to_wire(standing: Standing, seals: PlaceSeals) -> pb.WaitingRoomPlace:
    """With its tokens."""
    place, turn = standing.place, standing.turn
    return pb.WaitingRoomPlace(
        event=standing.event,
        place_token="" if place is None else seals.place_token(place),
        number=0 if place is None else place.number,
        ahead=standing.ahead,
        estimated_wait=_duration(standing.wait),
        admitted=standing.admitted,
        turn_token="" if turn is None else seals.turn_token(turn),
        turn_expire_time=None if turn is None else time_to_wire(turn.expires),
    )


def _duration(time: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(time)
    return message
