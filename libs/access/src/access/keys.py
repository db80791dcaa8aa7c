"""Keys that sign and verify access tokens, and where a service gets the public ones."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from domain_kit.refusals import Unavailable

ALGORITHM = "ES256"


class KeySource(Protocol):
    """Finds the public key a token names."""

    async def key(self, kid: str) -> ECKey | None:
        """The key, or None when there is no such key; Unavailable when that cannot be known now."""


class KeyCache(Protocol):
    """Keeps the last key set over restarts, so that a service can verify tokens while the user service is down."""

    async def load(self) -> bytes | None:
        """The key set saved last (JSON of RFC 7517), or None."""

    async def save(self, key_set: bytes) -> None:
        """Replace it."""


class SigningKey:
    """A private P-256 key with its id (the RFC 7638 thumbprint). Never printed."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self.kid = key.thumbprint()

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new random key."""
        return cls(ECKey.generate_key("P-256", private=True))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """A key from its PKCS #8 PEM form."""
        return cls(ECKey.import_key(pem))

    def to_pem(self) -> bytes:
        """The private key as PKCS #8 PEM."""
        return self._key.as_pem(private=True)

    @property
    def private(self) -> ECKey:
        """The key for signing."""
        return self._key

    def public(self) -> dict[str, Any]:
        """The public half as a JSON Web Key."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "alg": ALGORITHM, "use": "sig"}


def public_key_set(keys: Sequence[SigningKey]) -> bytes:
    """The JSON Web Key Set (RFC 7517) that verifies what `keys` sign."""
    return json.dumps({"keys": [key.public() for key in keys]}, separators=(",", ":")).encode()


def parse_key_set(key_set: bytes) -> dict[str, ECKey]:
    """Key id → key, of the P-256 keys in a set; others are left out. ValueError when it is not a key set."""
    try:
        entries: list[Mapping[str, Any]] = json.loads(key_set)["keys"]
        usable = [
            entry for entry in entries if entry.get("kty") == "EC" and entry.get("crv") == "P-256" and entry.get("kid")
        ]
        return {entry["kid"]: ECKey.import_key(dict(entry)) for entry in usable}
    except (ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
        raise ValueError("not a JSON Web Key Set") from error


class StaticKeys:
    """The keys of a process that has them itself. `replace` puts a rotated set in place."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys: dict[str, ECKey] = {}
        self.replace(keys)

    def replace(self, keys: Sequence[SigningKey]) -> None:
        """Verify with exactly these from now on."""
        self._keys = parse_key_set(public_key_set(keys))

    async def key(self, kid: str) -> ECKey | None:
        """The key of that id."""
        return self._keys.get(kid)


class JwksSource:
    """Keys fetched from elsewhere and kept; the last good set stays in use however long the source is away.

    An unknown id fetches again, at most once in `min_interval` seconds whoever asks; a set older than `max_age` seconds
    is fetched again in the background. `fetch` gives the JSON of the set.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        *,
        cache: KeyCache | None = None,
        max_age: float = 300.0,
        min_interval: float = 5.0,
        fetch_timeout: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._cache, self._clock = fetch, cache, clock
        self._max_age, self._min_interval, self._fetch_timeout = max_age, min_interval, fetch_timeout
        self._keys: dict[str, ECKey] = {}
        self._loaded = cache is None
        self._fetched_at = self._tried_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self._log = logging.getLogger(__name__)

    async def key(self, kid: str) -> ECKey | None:
        """The key of that id. Unavailable KEYS_UNAVAILABLE when no set was ever had."""
        found = self._keys.get(kid)
        if found is not None:
            if self._clock() - self._fetched_at > self._max_age:
                self._refresh()
            return found
        if not self._loaded:
            await self._load()
            if kid in self._keys:
                self._refresh()
                return self._keys[kid]
        refreshing = self._refresh()
        if refreshing is not None:
            await asyncio.shield(refreshing)
        if not self._keys:
            raise Unavailable(
                "KEYS_UNAVAILABLE",
                "The keys that verify access tokens are not known yet.",
                retry_after=timedelta(seconds=2),
            )
        return self._keys.get(kid)

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._refreshing is not None and not self._refreshing.done():
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _refresh(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one when the last is long enough ago."""
        if self._refreshing is not None and not self._refreshing.done():
            return self._refreshing
        if self._clock() - self._tried_at < self._min_interval:
            return None
        self._tried_at = self._clock()
        self._refreshing = asyncio.get_running_loop().create_task(self._fetch_once(), name="fetch-jwks")
        return self._refreshing

    async def _fetch_once(self) -> None:
        try:
            async with asyncio.timeout(self._fetch_timeout):
                key_set = await self._fetch()
            keys = parse_key_set(key_set)
            if not keys:
                raise ValueError("the key set is empty")
        except Exception as error:  # noqa: BLE001 however the source fails, the last good set stays in use
            self._log.warning("key set not fetched: %s", error)
            return
        self._keys, self._fetched_at = keys, self._clock()
        if self._cache is not None:
            try:
                await self._cache.save(key_set)
            except Exception:  # noqa: BLE001 the keys in memory are good whatever becomes of the copy
                self._log.warning("key set not kept", exc_info=True)

    async def _load(self) -> None:
        self._loaded = True
        try:
            kept = await self._cache.load() if self._cache is not None else None
            if kept and not self._keys:
                self._keys = parse_key_set(kept)
        except Exception:  # noqa: BLE001 without a usable copy the set is fetched
            self._log.warning("kept key set not usable", exc_info=True)
