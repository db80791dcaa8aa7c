"""One process of a stack: what to start, whether the recorded one still lives, how it is stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local_stack.readiness import Check

SAME_START_SECONDS = 2.0  # the moment of the boot is told in whole seconds, and twice


def moment_of_start(process: psutil.Process) -> float:
    """Seconds since boot on Linux, where the system counts so: there the time of day at which a process was started
    moves when the clock is set, as it is where a virtual machine goes on after a pause. Elsewhere since the epoch.
    """
    boot = psutil.boot_time() if sys.platform == "linux" else 0.0
    return process.create_time() - boot


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What to run and how to know that it is ready; processes of a lower `stage` start first and stop last.

    `prepare` makes what the process reads, before any process of its stage starts, in a thread of its own. nice: how
    far it stands back behind the others where the machine is too small for all (nice(2)).
    """

    name: str
    command: tuple[str, ...]
    ports: Mapping[str, int]
    ready: Check
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None
    ready_within: float = 60.0
    stop_within: float = 20.0
    nice: int = 0

    @property
    def port(self) -> int:
        """The port people talk to."""
        return next(iter(self.ports.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A started process as the state file keeps it: `created`, its moment_of_start, tells it from a later one with the
    same pid.
    """

    name: str
    pid: int
    created: float
    arguments: tuple[str, ...]
    port: int
    stage: int
    stop_within: float

    def find(self) -> psutil.Process | None:
        """The live process of this record, or None when it ended, even if its pid has been given to another."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
                return None
            same_start = abs(moment_of_start(process) - self.created) <= SAME_START_SECONDS
            command = process.cmdline()  # empty while the process is on its way out
            same_arguments = not command or tuple(command[-len(self.arguments) :]) == self.arguments
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if same_start and (same_arguments or not self.arguments) else None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; False when it no longer lives."""
        process = self.find()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        return True


def start(spec: ProcessSpec, log: Path) -> ProcessRecord:
    """Start `spec` in a session of its own, so that it outlives caller and terminal; its output is added to `log`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        spec.command[0],
        spec.command,
        {**os.environ, **spec.environment},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE, signal.SIGINT],
    )
    return ProcessRecord(
        name=spec.name,
        pid=pid,
        created=moment_of_start(psutil.Process(pid)),
        arguments=spec.command[1:],
        port=spec.port,
        stage=spec.stage,
        stop_within=spec.stop_within,
    )


def stand_back(record: ProcessRecord, nice: int) -> None:
    """With all its threads. Not before it is ready: on a busy machine it would be started for minutes.

    Where Linux weighs sessions against each other (sched(7), "The autogroup feature"), the session's counts.
    """
    process = record.find()
    if process is None:
        return
    with contextlib.suppress(psutil.Error, OSError):  # it has ended since, which shows where it is waited for
        process.nice(nice)
        for thread in process.threads() if sys.platform == "linux" else []:  # where each has its own
            os.setpriority(os.PRIO_PROCESS, thread.id, nice)
    with contextlib.suppress(OSError):  # there is no such thing here
        Path(f"/proc/{record.pid}/autogroup").write_text(str(nice))


async def stop(record: ProcessRecord) -> str:
    """End the process: SIGTERM, then SIGKILL once its `stop_within` seconds are over; says which one it took."""
    if not record.signal(signal.SIGTERM):
        return "was not running"
    if await gone(record, record.stop_within):
        return "stopped"
    record.signal(signal.SIGKILL)
    if await gone(record, record.stop_within):
        return f"killed after {record.stop_within:.0f} s"
    return "cannot be killed"


async def kill(record: ProcessRecord) -> None:
    """End the process at once, as a crash would, and wait until it is gone."""
    record.signal(signal.SIGKILL)
    await gone(record, record.stop_within)


async def gone(record: ProcessRecord, seconds: float, interval: float = 0.02) -> bool:
    """Wait at most `seconds` for the process to end; whether it did."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while record.find() is not None:  # noqa: ASYNC110 - no event tells of the end of a process that is no child
                await asyncio.sleep(interval)
    return record.find() is None
