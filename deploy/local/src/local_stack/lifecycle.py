"""Starting and stopping a set of processes: in parallel within a stage, only what is not running, only what is ours."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from local_stack import processes
from local_stack.failures import ProcessFailed
from local_stack.log_reading import last_lines_of
from local_stack.ports import require_free
from local_stack.processes import ProcessRecord, ProcessSpec
from local_stack.readiness import NotReady
from local_stack.state import StackState, write_state

Phase = Literal["running", "starting", "waiting", "ready", "failed", "stopping", "stopped"]
Progress = Callable[[str, Phase, str], None]
"""Told process name, phase and a short detail whenever something changes."""

PROBE_INTERVAL_SECONDS = 0.05
LINES_SHOWN = 12


def silent(_name: str, _phase: Phase, _detail: str) -> None:
    """A Progress for callers that do not watch."""


def log_of(folder: Path, name: str) -> Path:
    """Where the output of a process goes."""
    return folder / "logs" / f"{name}.log"


async def start_all(
    folder: Path,
    specs: Sequence[ProcessSpec],
    state: StackState,
    progress: Progress = silent,
) -> StackState:
    """Bring every process up and ready, keeping those that already run; returns the new state, already written.

    Stages start one after the other, the processes of a stage at once. Raises PortTaken or ProcessFailed for the first
    that cannot start; what has been started by then stays up and is found by the next call.
    """
    started_at = time.monotonic()
    before = state.processes
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    state = await _pass(folder, specs, state, progress)
    if any(state.processes[spec.name].find() is None for spec in specs):
        state = await _pass(folder, specs, state, progress)  # one was dying when it was taken for running
    if state.processes != before:
        state = replace(state, ready_seconds=round(time.monotonic() - started_at, 2))
        write_state(folder, state)
    return state


async def _pass(folder: Path, specs: Sequence[ProcessSpec], state: StackState, progress: Progress) -> StackState:
    for _, stage in groupby(sorted(specs, key=lambda spec: spec.stage), key=lambda spec: spec.stage):
        members = list(stage)
        missing = []
        for spec in members:
            record = state.processes.get(spec.name)
            if record is not None and record.find() is not None:
                progress(spec.name, "running", f"pid {record.pid}")
            else:
                await require_free(spec.name, spec.ports.values())
                missing.append(spec)
        for spec in missing:
            if spec.prepare is not None:
                progress(spec.name, "waiting", "being prepared")
                await asyncio.to_thread(spec.prepare)
        for spec in missing:
            state = state.with_process(_start(folder, spec, progress))
            write_state(folder, state)
        await _all_ready(folder, members, state, progress)
    return state


async def _all_ready(folder: Path, specs: Iterable[ProcessSpec], state: StackState, progress: Progress) -> None:
    waits = [
        asyncio.create_task(_ready(folder, spec, state.processes[spec.name], progress), name=spec.name)
        for spec in specs
    ]
    try:
        await asyncio.gather(*waits)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _start(folder: Path, spec: ProcessSpec, progress: Progress) -> ProcessRecord:
    log = log_of(folder, spec.name)
    try:
        record = processes.start(spec, log)
    except OSError as error:
        progress(spec.name, "failed", str(error))
        raise ProcessFailed(spec.name, f"cannot be started: {error}", str(log), "") from error
    progress(spec.name, "starting", f"pid {record.pid}")
    return record


async def _ready(folder: Path, spec: ProcessSpec, record: ProcessRecord, progress: Progress) -> None:
    log = log_of(folder, spec.name)
    deadline = time.monotonic() + spec.ready_within
    reason = ""
    while True:
        if record.find() is None:
            progress(spec.name, "failed", "ended")
            raise ProcessFailed(spec.name, "ended while starting", str(log), "\n".join(last_lines_of(log, LINES_SHOWN)))
        try:
            await spec.ready()
        except NotReady as error:
            if str(error) != reason:
                reason = str(error)
                progress(spec.name, "waiting", reason)
        else:
            if spec.nice:
                processes.stand_back(record, spec.nice)
            progress(spec.name, "ready", f"port {spec.port}")
            return
        if time.monotonic() > deadline:
            progress(spec.name, "failed", reason)
            what = f"was not ready within {spec.ready_within:.0f} s: {reason}"
            raise ProcessFailed(spec.name, what, str(log), "\n".join(last_lines_of(log, LINES_SHOWN)))
        await asyncio.sleep(PROBE_INTERVAL_SECONDS)


async def stop_all(state: StackState, progress: Progress = silent) -> Mapping[str, str]:
    """Stop every recorded process that still lives, last stage first, each stage at once; how each one ended."""
    outcomes: dict[str, str] = {}

    async def end(record: ProcessRecord) -> None:
        progress(record.name, "stopping", "")
        outcomes[record.name] = await processes.stop(record)
        progress(record.name, "stopped", outcomes[record.name])

    latest_first = sorted(state.processes.values(), key=lambda record: -record.stage)
    for _, stage in groupby(latest_first, key=lambda record: record.stage):
        await asyncio.gather(*(end(record) for record in stage))
    return outcomes
