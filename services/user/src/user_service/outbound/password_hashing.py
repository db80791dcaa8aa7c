"""Argon2id in a few threads, so that hashing neither stops the event loop nor takes all memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from resilience import Bulkhead, BulkheadMetrics
from user_service.domain.secret_tokens import new_token

T = TypeVar("T")


class Argon2Passwords:
    """user_service.domain.ports.PasswordHasher."""

    def __init__(
        self, hasher: PasswordHasher, threads: ThreadPoolExecutor, places: Bulkhead, nobodys_hash: str
    ) -> None:
        self._hasher, self._threads, self._places = hasher, threads, places
        self._nobodys_hash = nobodys_hash

    async def hash(self, password: str) -> str:
        """A new hash in PHC form; Unavailable BULKHEAD_FULL when too many wait already."""
        return await self._threaded(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether it is the password. An empty hash is nobody's: the answer is no, and takes as long."""
        return await self._threaded(lambda: self._fits(password_hash or self._nobodys_hash, password))

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _threaded(self, work: Callable[[], T]) -> T:
        async with self._places.place():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@asynccontextmanager
async def open_passwords(
    *, memory_kib: int, passes: int, lanes: int, threads: int, queue: int = 64, metrics: BulkheadMetrics | None = None
) -> AsyncIterator[Argon2Passwords]:
    """A hasher with `threads` threads; `queue` calls may wait for one. Parameters as in RFC 9106 section 3.1."""
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
    places = Bulkhead("argon2", limit=threads, queue=queue, metrics=metrics)
    with ThreadPoolExecutor(threads, thread_name_prefix="argon2") as pool:
        nobodys_hash = await asyncio.get_running_loop().run_in_executor(pool, hasher.hash, new_token())
        yield Argon2Passwords(hasher, pool, places, nobodys_hash)
