"""Health that can say no: the grpc.health.v1 status follows the required checks and the workers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as grpc_health_aio

from grpc_runtime.service import HealthCheck

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

# Asked by name, it says only that the process turns: nobody is to restart a process because a database is away.
LIVENESS = "usher.liveness"

# Streams that may watch health at once; each stays open for as long as its caller likes.
WATCHES = 64
# A question on the plain port is a name, and a kubelet asks few at a time.
PLAIN_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 1024),
    ("grpc.max_metadata_size", 8 * 1024),
    ("grpc.max_connection_idle_ms", 60_000),
)
PLAIN_CALLS = 32


class Health:
    """The status of all services of a process; NOT_SERVING until the first round of checks has passed.

    interval: seconds between rounds. timeout: seconds after which a check has failed. A check that has passed must
    fail twice in a row, so that one slow answer does not take a service out.
    """

    def __init__(
        self,
        names: Sequence[str],
        checks: Sequence[HealthCheck],
        *,
        tell: Callable[[str, bool], None],
        interval: float = 2.0,
        timeout: float = 3.0,
    ) -> None:
        self.servicer = _Bounded()
        self._names = ("", *names)
        self._checks, self._tell = checks, tell
        self._interval, self._timeout = interval, timeout
        self._failures: dict[str, int] = {}
        self._failing_workers: set[str] = set()
        self._serving: bool | None = None
        self._stopping = False
        self._log = logging.getLogger(__name__)

    @property
    def serving(self) -> bool:
        """What the status says now."""
        return bool(self._serving) and not self._stopping

    async def start(self) -> None:
        """Say NOT_SERVING, but alive; then run one round."""
        await self.servicer.set(LIVENESS, SERVING)
        await self._set(serving=False)
        await self.check_all()

    async def watch(self) -> None:
        """Check for ever."""
        while True:
            await asyncio.sleep(self._interval)
            await self.check_all()

    async def check_all(self) -> None:
        """One round, all checks at the same time."""
        passed = await asyncio.gather(*(self._passes(each.check) for each in self._checks))
        for each, passes in zip(self._checks, passed, strict=True):
            known_good = self._failures.get(each.name) == 0
            failures = 0 if passes else self._failures.get(each.name, 0) + 1
            if failures == 1 and not known_good:
                failures = 2  # it never passed: there is no benefit of the doubt
            self._failures[each.name] = failures
            self._tell(each.name, passes)
        await self._update()

    async def worker_failing(self, name: str, failing: bool) -> None:
        """A worker keeps dying, or runs again."""
        (self._failing_workers.add if failing else self._failing_workers.discard)(name)
        self._tell(f"worker {name}", not failing)
        await self._update()

    async def stop(self) -> None:
        """NOT_SERVING from now on, whatever the checks say."""
        self._stopping = True
        await self.servicer.enter_graceful_shutdown()

    async def _update(self) -> None:
        gone = [each.name for each in self._checks if each.required and self._failures.get(each.name, 2) >= 2]
        serving = not gone and not self._failing_workers
        if serving is not self._serving and not self._stopping:
            if serving:
                self._log.info("serving")
            elif self._serving is not None:
                self._log.warning("not serving", extra={"checks": gone, "workers": sorted(self._failing_workers)})
            await self._set(serving=serving)

    async def _set(self, *, serving: bool) -> None:
        self._serving = serving
        for name in self._names:
            await self.servicer.set(name, SERVING if serving else NOT_SERVING)

    async def _passes(self, check: Callable[[], Awaitable[object]]) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                return await check() is not False
        except Exception as error:  # noqa: BLE001 whatever a check raises, it did not pass
            self._log.debug("health check failed", extra={"error": repr(error)})
            return False


class _Bounded(grpc_health_aio.HealthServicer):
    """Watched by WATCHES at most; more are refused with RESOURCE_EXHAUSTED."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = 0

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:  # noqa: N802  # gRPC's name
        """The status, and each that follows."""
        if self.watched >= WATCHES:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Health is watched by as many as may.")
        self.watched += 1
        try:
            await super().Watch(request, context)
        finally:
            self.watched -= 1


class _Asked(health_pb2_grpc.HealthServicer):
    """Answers what another servicer would, but is not watched."""

    def __init__(self, servicer: grpc_health_aio.HealthServicer) -> None:
        self._servicer = servicer

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:  # noqa: N802  # gRPC's name
        """The status."""
        return await self._servicer.Check(request, context)


class PlainHealth:
    """The same status on a port of its own, to those who have no certificate: nothing else is served there.

    Anybody can ask there, so it can be asked, but not watched. port: None where there is none.
    """

    def __init__(self, host: str, port: int | None, servicer: grpc_health_aio.HealthServicer) -> None:
        self.port: int | None = None
        self._server: grpc.aio.Server | None = None
        if port is not None:
            self._server = grpc.aio.server(options=PLAIN_OPTIONS, maximum_concurrent_rpcs=PLAIN_CALLS)
            health_pb2_grpc.add_HealthServicer_to_server(_Asked(servicer), self._server)
            self.port = self._server.add_insecure_port(f"{host}:{port}")

    async def start(self) -> None:
        """Listen."""
        if self._server is not None:
            await self._server.start()

    async def stop(self) -> None:
        """Close at once."""
        if self._server is not None:
            await self._server.stop(0)
