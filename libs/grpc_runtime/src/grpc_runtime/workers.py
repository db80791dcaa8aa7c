"""Keeps workers running: what dies is started again, and what keeps dying shows in the health."""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from grpc_runtime.service import Worker


class Workers:
    """Runs workers as tasks.

    first_wait, longest_wait: seconds before a dead worker starts again, doubled each time. One that has died `patience`
    times without living `healthy_after` seconds in between is reported as failing until it has lived that long.
    died: told the name of each that ended by itself.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        failing: Callable[[str, bool], Awaitable[None]],
        died: Callable[[str], None] = lambda _: None,
        first_wait: float = 0.2,
        longest_wait: float = 15.0,
        healthy_after: float = 10.0,
        patience: int = 3,
    ) -> None:
        self._workers, self._failing, self._died = workers, failing, died
        self._first_wait, self._longest_wait = first_wait, longest_wait
        self._healthy_after, self._patience = healthy_after, patience
        self._stopping = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._log = logging.getLogger(__name__)

    def start(self) -> None:
        """Start all."""
        for worker in self._workers:
            self._tasks[worker.name] = asyncio.create_task(self._keep(worker), name=f"worker-{worker.name}")

    async def stop(self, seconds: float) -> None:
        """Let each finish what it has in hand, all at once; those still running after `seconds` are cancelled."""
        self._stopping.set()
        for worker in self._workers:
            task = self._tasks.get(worker.name)
            if task is None or task.done():
                continue
            if worker.stop is None:
                task.cancel()
                continue
            try:
                asked = worker.stop()
                if inspect.isawaitable(asked):
                    async with asyncio.timeout(seconds):
                        await asked
            except Exception:  # noqa: BLE001 logged; the others are still to be stopped
                self._log.exception("worker could not be asked to stop", extra={"worker": worker.name})
                task.cancel()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in late:
            self._log.warning("worker cut off", extra={"task": task.get_name()})
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _keep(self, worker: Worker) -> None:
        deaths, wait = 0, self._first_wait
        while True:
            started = time.monotonic()
            recovered = asyncio.create_task(self._recovered(worker)) if deaths >= self._patience else None
            try:
                await worker.run()
                if self._stopping.is_set():
                    return
                self._log.error("worker ended by itself", extra={"worker": worker.name})
            except Exception:  # noqa: BLE001 logged; whatever it died of, it is started again
                if self._stopping.is_set():
                    self._log.warning("worker failed while stopping", exc_info=True, extra={"worker": worker.name})
                    return
                self._log.exception("worker died", extra={"worker": worker.name})
            finally:
                if recovered is not None:
                    recovered.cancel()
            if time.monotonic() - started >= self._healthy_after:
                deaths, wait = 0, self._first_wait
            deaths += 1
            self._died(worker.name)
            if deaths == self._patience:
                await self._failing(worker.name, True)
            if await self._stopped_within(wait):
                return
            wait = min(wait * 2, self._longest_wait)

    async def _recovered(self, worker: Worker) -> None:
        await asyncio.sleep(self._healthy_after)
        await self._failing(worker.name, False)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True
