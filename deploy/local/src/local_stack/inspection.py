"""What is running right now: pid, port, health and memory of each process of a stack."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from local_stack.platform_processes import SERVICE_STAGE
from local_stack.processes import ProcessSpec
from local_stack.readiness import NotReady
from local_stack.state import StackState


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One row of `usher status`; memory is resident bytes, `pid` None when the process is not running."""

    name: str
    pid: int | None
    port: int
    health: str
    resident_bytes: int
    uptime_seconds: float | None
    is_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """The whole stack: its rows and the two figures that have targets (start time, memory of the services)."""

    processes: tuple[ProcessStatus, ...]
    ready_seconds: float | None
    engines: str

    @property
    def serving(self) -> bool:
        """Whether every process is up and healthy."""
        return all(process.health == "SERVING" for process in self.processes)

    def resident_bytes(self, *, services_only: bool = False) -> int:
        """Resident memory of all processes together, or of the services alone."""
        return sum(row.resident_bytes for row in self.processes if row.is_service or not services_only)


async def inspect(specs: Iterable[ProcessSpec], state: StackState) -> StackStatus:
    """Probe every process at once."""
    rows = await asyncio.gather(*(_row(spec, state) for spec in specs))
    return StackStatus(processes=tuple(rows), ready_seconds=state.ready_seconds, engines=state.engines)


async def _row(spec: ProcessSpec, state: StackState) -> ProcessStatus:
    record = state.processes.get(spec.name)
    process = record.find() if record else None
    health, resident, uptime = "stopped", 0, None
    if record is not None and process is not None:
        try:
            await spec.ready()
            health = "SERVING"
        except NotReady as error:
            health = str(error)
        try:
            resident, uptime = process.memory_info().rss, max(0.0, time.time() - process.create_time())
        except psutil.NoSuchProcess:
            process, health = None, "stopped"
    return ProcessStatus(
        name=spec.name,
        pid=process.pid if process else None,
        port=spec.port,
        health=health,
        resident_bytes=resident,
        uptime_seconds=uptime,
        is_service=spec.stage == SERVICE_STAGE,
    )
