"""The Ed25519 keys that sign ticket codes (RFC 8032), kept in the service's own database."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from booking_service.domain.ticket_codes import TicketCode, invalid_code, pack, unpack
from booking_service.outbound.shelf import Finder
from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause
from mongo_store import Insert, JournalRow, RequestRepeated, Write

TICKET_KEYS = "ticket_keys"
# Seconds between two looks for keys of other processes; codes with made-up key numbers must not cost a query each.
_LOOK_AGAIN = 1.0


class KeyJournal(Finder, Protocol):
    """What is needed of a journal."""

    async def commit(self, writes: Sequence[Write], row: JournalRow) -> None:
        """See mongo_store.Journal.commit."""


class TicketKeys:
    """domain.commands.TicketIssuer; domain.ports.TicketVerifier, TicketKeyring; domain.check_in_ports.ListSigner.

    Keys are numbered from 1; the highest signs.
    """

    def __init__(self, journal: KeyJournal) -> None:
        self._journal = journal
        self._keys: dict[int, Ed25519PrivateKey] = {}
        self._public: dict[int, Ed25519PublicKey] = {}
        self._looked = 0.0

    async def open(self) -> None:
        """Read the keys; make the first one where there is none. Processes that race for it end up with the same."""
        await self._load()
        if not self._keys:
            await self.add(1)

    async def add(self, number: int) -> None:
        """Make key `number`, or take the one that another process made first; it signs from now on."""
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        row = JournalRow(Cause(key=f"booking.ticketKeys|{number}", actor="services/booking"), "ticketKeys")
        with suppress(AlreadyExists, RequestRepeated):
            await self._journal.commit([Insert(TICKET_KEYS, {"_id": number, "version": 1, "seed": seed})], row)
        await self._load()

    def issue(self, booking: str) -> tuple[str, str]:
        """Name and code of a new ticket of `events/{event}/bookings/{booking}`."""
        number = max(self._keys)
        _, event, _, booking_id = booking.split("/")
        code = TicketCode(number, event, booking_id, new_id())
        body = code.body()
        return code.ticket_name, pack(body, self._keys[number].sign(body))

    @property
    def signing_key(self) -> int:
        """Number of the key that signs now."""
        return max(self._keys)

    def sign(self, content: bytes) -> bytes:
        """An Ed25519 signature by that key."""
        return self._keys[self.signing_key].sign(content)

    async def verify(self, code: str) -> TicketCode:
        """What a code of ours says. InvalidArgument TICKET_CODE_INVALID."""
        said, body, signature = unpack(code)
        if said.key not in self._public and time.monotonic() > self._looked + _LOOK_AGAIN:
            await self._load()
        key = self._public.get(said.key)
        if key is None:
            raise invalid_code()
        try:
            key.verify(signature, body)
        except InvalidSignature:
            raise invalid_code() from None
        return said

    async def public_keys(self) -> Mapping[int, bytes]:
        """Number → Ed25519 public key of 32 bytes, oldest first; those of other replicas a second late."""
        if time.monotonic() > self._looked + _LOOK_AGAIN:
            await self._load()
        return {number: self._public[number].public_bytes_raw() for number in sorted(self._public)}

    async def _load(self) -> None:
        self._looked = time.monotonic()
        documents: Sequence[Mapping[str, Any]] = await self._journal.find(TICKET_KEYS, {})
        for document in documents:
            private = Ed25519PrivateKey.from_private_bytes(bytes(document["seed"]))
            self._keys[document["_id"]] = private
            self._public[document["_id"]] = private.public_key()
