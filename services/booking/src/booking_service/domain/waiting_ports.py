"""What the handlers of the waiting room need of the world."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from booking_service.domain.offer import Offer
from booking_service.domain.waiting_room import Place, Room, Turn
from domain_kit.repository import Cause


class Offers(Protocol):
    """Offers, as they were a moment ago at the latest."""

    async def offer(self, event: str) -> Offer | None:
        """None when the event is not known."""

    async def last_known(self, event: str) -> Offer | None:
        """As it was when it was last heard of, however long ago: for what is checked again where it counts."""

    def learn(self, offer: Offer) -> None:
        """It has been met; an older one than is known is forgotten."""


class Rooms(Protocol):
    """Waiting rooms, shared by all replicas."""

    async def join(self, offer: Offer, user: str) -> tuple[Place, Room]:
        """The user's place, a new one unless there is one whose turn is not over, and the room it is in.

        Unavailable.
        """

    async def room(self, offer: Offer) -> Room:
        """As it was a moment ago at the latest, at the pace the offer asks for. Unavailable."""


class PlaceSeals(Protocol):
    """Makes and reads tokens."""

    def place_token(self, place: Place, /) -> str:
        """The token of a place."""

    def turn_token(self, turn: Turn, /) -> str:
        """The token of a turn."""

    async def read_place(self, token: str, event: str, user: str, /) -> Place:
        """InvalidArgument PLACE_TOKEN_INVALID."""

    async def read_turn(self, token: str, event: str, user: str, /) -> Turn:
        """The turn, expired or not. InvalidArgument TURN_TOKEN_INVALID."""


class Watchers(Protocol):
    """Wakes the streams that watch places."""

    @property
    def closed(self) -> bool:
        """The service stops."""

    def watching(self, event: str) -> AbstractContextManager[None]:
        """One more stream, for as long as the context lasts. ResourceExhausted TOO_MANY_WATCHERS."""

    async def until(self, event: str, due: datetime) -> None:
        """Returns about then, or when what the event's places depend on has changed, or when the service stops."""


# Whether a write was done before under this cause.
Answered = Callable[[Cause], Awaitable[bool]]
