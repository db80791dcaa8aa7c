"""Runs a service as a process, from settings to a clean end on SIGTERM or SIGINT."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import uvloop

from domain_kit.crash_points import arm
from grpc_runtime.server import Server, keys_for
from grpc_runtime.service import Service
from grpc_runtime.settings import RuntimeSettings
from telemetry import Metrics, configure_logging, configure_tracing

S = TypeVar("S", bound=RuntimeSettings)
Build = Callable[[S, Metrics], AbstractAsyncContextManager[Service]]

# Seconds that closing clients and exporting traces may take after calls and workers are done.
CLOSING_SECONDS = 5.0

# How long the event loop may keep the interpreter from a thread that has an answer of the database or a call of gRPC in
# hand. Python's 5 ms is longer than most of what the loop does for one call.
SWITCH_SECONDS = 0.0005

# Objects that calls leave before the collector looks for cycles among them. Python's 700 are a call or two; nearly all
# of what a call makes goes when it ends, and what is still in use by then was looked through for nothing.
YOUNG_OBJECTS = 10_000


class StartRefused(Exception):
    """A composition will not run as things are; the text is one line for who operates it, `code` the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run(build: Build[S], settings: S) -> None:
    """Serve until SIGTERM or SIGINT. Exits with 0 after an orderly end, 1 if start failed or the end took too long.

    StartRefused is one line in the log and its own exit code.

    build: the composition; called with the settings and the process's metrics. What it yields is served; leaving it
    closes the clients.
    """
    configure_logging(settings.service, settings.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        arm(os.environ)
        # Not asyncio's own loop: docs/performance_bookings.md tells what each turn of that costs.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(build, settings))
    except asyncio.CancelledError:
        sys.exit(0)  # asked to stop before it had started
    except StartRefused as refused:
        logging.getLogger(__name__).error(str(refused))  # noqa: TRY400  # nothing is wrong with this program
        sys.exit(refused.code)
    except Exception:
        logging.getLogger(__name__).exception("service failed")
        sys.exit(1)


async def serve(build: Build[S], settings: S) -> None:
    """The life of the process inside an event loop."""
    signals = Signals(settings.drain_seconds + CLOSING_SECONDS)
    signals.listen()
    tracing = configure_tracing(settings.service, settings.otlp_endpoint or None, settings.trace_ratio)
    metrics = Metrics(settings.service)
    scrapes = metrics.serve(settings.metrics_port)
    try:
        async with build(settings, metrics) as service, keys_for(service, settings) as keys:
            server = Server(service, settings, metrics, keys, tracing)
            try:
                await server.start()
                leave_alone_what_stays()
                await signals.wait()
            finally:
                await server.stop(settings.drain_seconds)
    finally:
        await asyncio.to_thread(scrapes.close)
        await tracing.shutdown()


def leave_alone_what_stays() -> None:
    """Of the process: the collector no longer looks through what it is made of by now, and at what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


class Signals:
    """Turns SIGTERM and SIGINT into an orderly end; `seconds` after the first the process exits in any case.

    A signal before the service runs cancels its start; a second signal ends the process at once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stop = asyncio.Event()
        self._waiting = False
        self._starting: asyncio.Task[None] | None = None
        self._log = logging.getLogger(__name__)

    def listen(self) -> None:
        """Take the signals. Called by the task that serves."""
        self._starting = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received, number)

    async def wait(self) -> None:
        """Until the first signal."""
        self._waiting = True
        await self._stop.wait()

    def _received(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            self._log.error("second signal, ending at once", extra={"signal": number.name})
            os._exit(1)
        self._log.info("stopping", extra={"signal": number.name})
        self._stop.set()
        bound = threading.Timer(self._seconds, self._give_up)
        bound.daemon = True
        bound.start()
        if not self._waiting and self._starting is not None:
            self._starting.cancel()

    def _give_up(self) -> None:
        self._log.error("end took too long", extra={"seconds": self._seconds})
        sys.stdout.flush()
        os._exit(1)
