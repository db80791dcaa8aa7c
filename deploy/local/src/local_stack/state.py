"""The state file of a stack: which processes were started on which ports, never half written."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from local_stack.failures import NoStack, StackBusy, StackFailure
from local_stack.processes import ProcessRecord

Engines = Literal["embedded", "native"]
LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """What is known about a stack between two commands; `ready_seconds` is how long the last start took.

    replicas: how many processes a service has, of those that have more than one. observed: with Prometheus and Grafana.
    """

    engines: Engines
    ports: Mapping[str, int]
    processes: Mapping[str, ProcessRecord] = field(default_factory=dict)
    ready_seconds: float | None = None
    replicas: Mapping[str, int] = field(default_factory=dict)
    observed: bool = False

    def with_process(self, record: ProcessRecord) -> "StackState":
        """The state after `record` was started."""
        return replace(self, processes={**self.processes, record.name: record})


def state_file(folder: Path) -> Path:
    """Where the stack in `folder` keeps its state."""
    return folder / "stack.json"


def read_state(folder: Path) -> StackState:
    """The state of the stack in `folder`; raises NoStack when nothing was started there."""
    try:
        document = json.loads(state_file(folder).read_text())
    except FileNotFoundError:
        raise NoStack(f"no stack in {folder}: `usher up` starts one") from None
    except json.JSONDecodeError as error:
        raise StackFailure(f"{state_file(folder)} is damaged ({error}): remove it once nothing runs") from error
    if document.get("layout") != LAYOUT:
        raise StackFailure(f"{state_file(folder)} was written by another version: choose another --data folder")
    processes = {
        name: ProcessRecord(**{**record, "arguments": tuple(record["arguments"])})
        for name, record in document["processes"].items()
    }
    return StackState(
        engines=document["engines"],
        ports=document["ports"],
        processes=processes,
        ready_seconds=document["ready_seconds"],
        replicas=document.get("replicas", {}),
        observed=document.get("observed", False),
    )


def write_state(folder: Path, state: StackState) -> None:
    """Replace the state file in one step."""
    _write_private(state_file(folder), {"layout": LAYOUT, **asdict(state)})


def secrets_of(folder: Path) -> dict[str, str]:
    """Keys of this stack, made on first use and readable by their owner only."""
    path = folder / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    fresh = {"page_token_key": secrets.token_hex(32)}
    if fresh.keys() - known.keys():
        known = {**fresh, **known}
        _write_private(path, known)
    return known


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other commands from changing the same stack; raises StackBusy when one is doing so."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackBusy(f"another usher command is starting or stopping the stack in {folder}") from None
        yield


def _write_private(path: Path, document: object) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(document, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
