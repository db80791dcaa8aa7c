"""The keys that sign access tokens: kept in MongoDB, the same in all replicas, rotated."""

from contextlib import suppress

from access import SigningKey, StaticKeys, public_key_set
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause
from mongo_store import Insert, JournalRow, RequestRepeated
from mongo_store.repository import Journaling
from user_service.domain.key_rotation import Generation, RotationPolicy

COLLECTION = "signing_keys"
# So many are read: more than are ever published at once.
_NEWEST = 8


class SigningKeys:
    """The ring of this process. `load` before anything else, and again every minute or so.

    verifying: the key source of this service's own authentication; it follows the ring.
    """

    def __init__(self, journal: Journaling, clock: Clock, policy: RotationPolicy | None = None) -> None:
        self._journal, self._clock = journal, clock
        self._policy = policy or RotationPolicy()
        self._generations: list[Generation[SigningKey]] = []
        self.verifying = StaticKeys([])

    async def load(self) -> None:
        """Read the keys; make the one that is due. Replicas that do so at once all end up with the same one."""
        await self._read()
        number = self._policy.next_number(self._generations, self._clock())
        if number is not None:
            await self._make(number)
            await self._read()
        self.verifying.replace(self._published())

    def signing(self) -> SigningKey:
        """The key that signs now."""
        return self._policy.signing(self._generations, self._clock()).key

    def key_set(self) -> bytes:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return public_key_set(self._published())

    def _published(self) -> list[SigningKey]:
        return [each.key for each in self._policy.published(self._generations, self._clock())]

    async def _read(self) -> None:
        known = {each.number: each for each in self._generations}
        found = await self._journal.find(COLLECTION, {}, sort=[("_id", -1)], limit=_NEWEST)
        self._generations = [
            known.get(document["_id"])
            or Generation(document["_id"], SigningKey.from_pem(bytes(document["pem"])), document["create_time"])
            for document in found
        ]

    async def _make(self, number: int) -> None:
        """INVARIANT: the number is the `_id`, so of replicas that make the same generation one succeeds."""
        key, now = SigningKey.generate(), self._clock()
        document = {"_id": number, "kid": key.kid, "pem": key.to_pem(), "create_time": now, "version": 1}
        cause = Cause(key=f"services/user|signing-key|{new_id()}", actor="services/user")
        with suppress(AlreadyExists, RequestRepeated):
            await self._journal.commit([Insert(COLLECTION, document)], JournalRow(cause, f"signingKeys/{number}"))
