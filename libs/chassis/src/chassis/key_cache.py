"""The last key set that verified access tokens, kept in the service's own database."""

from mongo_store import Database

COLLECTION = "trusted_keys"


class StoredKeySet:
    """Implements access.KeyCache."""

    def __init__(self, database: Database) -> None:
        self._documents = database.collection(COLLECTION)

    async def load(self) -> bytes | None:
        """The key set saved last (JSON of RFC 7517), or None."""
        document = await self._documents.find_one({"_id": "jwks"})
        return None if document is None else bytes(document["key_set"])

    async def save(self, key_set: bytes) -> None:
        """Replace it."""
        await self._documents.replace_one({"_id": "jwks"}, {"key_set": key_set}, upsert=True)
