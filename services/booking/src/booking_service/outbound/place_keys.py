"""The HMAC keys that seal places and turns, kept in the service's own database; only booking itself checks them."""

import secrets
import time
from contextlib import suppress

from booking_service.domain.place_tokens import key_number_of, pack_place, pack_turn, unpack_place, unpack_turn
from booking_service.domain.waiting_room import Place, Turn
from booking_service.outbound.ticket_keys import KeyJournal
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause
from mongo_store import Insert, JournalRow, RequestRepeated

PLACE_KEYS = "place_keys"
# Seconds between two looks for keys of other processes; tokens with made-up key numbers must not cost a query each.
_LOOK_AGAIN = 1.0


class PlaceKeys:
    """domain.waiting_ports.PlaceSeals. Keys are numbered from 1; the highest seals."""

    def __init__(self, journal: KeyJournal) -> None:
        self._journal = journal
        self._keys: dict[int, bytes] = {}
        self._looked = 0.0

    async def open(self) -> None:
        """Read the keys; make the first one where there is none. Processes that race for it end up with the same."""
        await self._load()
        if not self._keys:
            await self.add(1)

    async def add(self, number: int) -> None:
        """Make key `number`, or take the one that another process made first; it seals from now on."""
        row = JournalRow(Cause(key=f"booking.placeKeys|{number}", actor="services/booking"), "placeKeys")
        document = {"_id": number, "version": 1, "key": secrets.token_bytes(32)}
        with suppress(AlreadyExists, RequestRepeated):
            await self._journal.commit([Insert(PLACE_KEYS, document)], row)
        await self._load()

    def place_token(self, place: Place, /) -> str:
        """The token of a place."""
        number = max(self._keys)
        return pack_place(place, number, self._keys[number])

    def turn_token(self, turn: Turn, /) -> str:
        """The token of a turn."""
        number = max(self._keys)
        return pack_turn(turn, number, self._keys[number])

    async def read_place(self, token: str, event: str, user: str, /) -> Place:
        """InvalidArgument PLACE_TOKEN_INVALID."""
        await self._know_key_of(token)
        return unpack_place(token, event, user, self._keys)

    async def read_turn(self, token: str, event: str, user: str, /) -> Turn:
        """The turn, expired or not. InvalidArgument TURN_TOKEN_INVALID."""
        await self._know_key_of(token)
        return unpack_turn(token, event, user, self._keys)

    async def _know_key_of(self, token: str) -> None:
        number = key_number_of(token)
        if number is not None and number not in self._keys and time.monotonic() > self._looked + _LOOK_AGAIN:
            await self._load()

    async def _load(self) -> None:
        self._looked = time.monotonic()
        for document in await self._journal.find(PLACE_KEYS, {}):
            self._keys[document["_id"]] = bytes(document["key"])
