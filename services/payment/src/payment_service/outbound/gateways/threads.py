"""Threads of one gateway, for SDKs that block: its slowness fills its own, and nobody else's."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from domain_kit.refusals import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """size: calls at once; queue: calls that may wait beyond those."""

    def __init__(self, gateway: str, *, size: int = 8, queue: int = 64) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=gateway)
        self._left = size + queue

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn` returns or raises. Unavailable GATEWAY_BUSY, at once, when too many wait.

        A caller that goes away leaves the call to its end: it cannot be taken back, and holds its thread so long.
        """
        if self._left <= 0:
            raise Unavailable("GATEWAY_BUSY", "The payment gateway is busy.", retry_after=timedelta(seconds=1))
        self._left -= 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, lambda: fn(*args, **kwargs))
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    def close(self) -> None:
        """Take no more; calls that have begun are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, running: "asyncio.Future[T]") -> None:
        self._left += 1
        if not running.cancelled():
            running.exception()  # its caller may have gone away
