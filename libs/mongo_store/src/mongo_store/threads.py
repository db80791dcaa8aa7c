"""Blocking work in threads, handed over with as little as can be: a lone booking waits for each step of it."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class Threads:
    """For one event loop: at most `most` threads, begun as they are needed. A ThreadPoolExecutor with less to it.

    That makes, locks and chains two futures for each piece of work, which takes twice as long.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._begun = self._under_way = 0
        self._idle, self._closed = asyncio.Event(), False
        self._idle.set()

    async def run(self, work: Callable[[], T]) -> T:
        """What it returns or raises. Where this is cancelled, it goes on to its end, but begins no more."""
        if self._closed:
            raise RuntimeError(f"{self._name}: closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if self._begun < min(self._under_way + 1, self._most):
            # A daemon: what it has not ended when the process does, the database does not commit.
            threading.Thread(target=self._serve, name=f"{self._name} {self._begun}", daemon=True).start()
            self._begun += 1
        self._under_way += 1
        self._idle.clear()
        self._tasks.put((work, done, loop))
        return await done

    async def close(self, patience: float) -> bool:
        """No more work is taken; whether all that there was ended within so many seconds. The rest goes on to its end.

        To be called in the loop of the work.
        """
        self._closed = True
        for _ in range(self._begun):
            self._tasks.put(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()
        return not self._under_way

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            work, done, loop = task
            result, trouble = None, None
            try:
                if not done.cancelled():
                    result = work()
            except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to who waits
                trouble = raised
            with suppress(RuntimeError):  # the loop is closed and nobody waits
                loop.call_soon_threadsafe(self._settle, done, result, trouble)
            del task, work, done, result, trouble  # until the next one comes nothing is held on to

    def _settle(self, done: "asyncio.Future[Any]", result: Any, trouble: BaseException | None) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
        if done.done():  # who waited has gone away
            return
        if trouble is None:
            done.set_result(result)
        else:
            done.set_exception(trouble)
