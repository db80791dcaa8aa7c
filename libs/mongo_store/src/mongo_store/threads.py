"""Blocking work in threads, handed over with as little as can be: a lone booking waits for each step of it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]
_Inbox = SimpleQueue[_Task | None]  # of one thread; None ends it


class Threads:
    """For one event loop: at most `most` threads, begun as they are needed. A ThreadPoolExecutor with less to it.

    That makes, locks and chains two futures for each piece of work, which takes twice as long, and its threads wait in
    one queue: each piece wakes two of them, the second of which only takes the interpreter from the first. Here work
    goes to the thread that was busy last, whose memory the processor still has at hand.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._lock = threading.Lock()  # of what both the loop and the threads change
        self._idle: list[_Inbox] = []
        self._waiting: deque[_Task] = deque()
        self._closed = False
        self._begun = self._under_way = 0
        self._nothing_under_way = asyncio.Event()
        self._nothing_under_way.set()

    async def run(self, work: Callable[[], T]) -> T:
        """What it returns or raises. Where this is cancelled, it goes on to its end, but begins no more."""
        if self._closed:
            raise RuntimeError(f"{self._name}: closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._give((work, done, loop))
        self._under_way += 1
        self._nothing_under_way.clear()
        return await done

    def _give(self, task: _Task) -> None:
        with self._lock:
            if self._idle:
                self._idle.pop().put(task)
            elif self._begun == self._most:
                self._waiting.append(task)
            else:
                inbox: _Inbox = SimpleQueue()
                inbox.put(task)
                # A daemon: what it has not ended when the process does, the database does not commit.
                name = f"{self._name} {self._begun}"
                threading.Thread(target=self._serve, args=(inbox,), name=name, daemon=True).start()
                self._begun += 1

    async def close(self, patience: float) -> bool:
        """No more work is taken; whether all that there was ended within so many seconds. The rest goes on to its end.

        To be called in the loop of the work.
        """
        with self._lock:
            self._closed = True
            for inbox in self._idle:
                inbox.put(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._nothing_under_way.wait()
        return not self._under_way

    def _serve(self, inbox: _Inbox) -> None:
        while (task := inbox.get()) is not None:
            work, done, loop = task
            result, trouble = None, None
            try:
                if not done.cancelled():
                    result = work()
            except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to who waits
                trouble = raised
            self._ask_for_more(inbox)  # first, so that who is told finds this thread free
            with suppress(RuntimeError):  # the loop is closed and nobody waits
                loop.call_soon_threadsafe(self._settle, done, result, trouble)
            del task, work, done, result, trouble  # until the next one comes nothing is held on to

    def _ask_for_more(self, inbox: _Inbox) -> None:
        with self._lock:
            if self._waiting:
                inbox.put(self._waiting.popleft())
            elif self._closed:
                inbox.put(None)
            else:
                self._idle.append(inbox)

    def _settle(self, done: "asyncio.Future[Any]", result: Any, trouble: BaseException | None) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._nothing_under_way.set()
        if done.done():  # who waited has gone away
            return
        if trouble is None:
            done.set_result(result)
        else:
            done.set_exception(trouble)
