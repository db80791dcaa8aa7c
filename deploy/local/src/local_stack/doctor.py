"""Finds out why a stack would not start: what is missing on this machine, which port is taken, what has stopped."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_stack import observing
from local_stack.embedded import installed_script
from local_stack.failures import NoStack, StackFailure
from local_stack.ports import holder_of, is_free
from local_stack.stack import Stack

NEEDED_MEMORY_BYTES = 2 * 1024**3
NEEDED_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` says what to do when it is not `fine`, `needed` whether a stack starts without."""

    what: str
    fine: bool
    remedy: str = ""
    needed: bool = True


def examine(stack: Stack) -> list[Finding]:
    """Look at the machine first, then at the stack."""
    return [*_machine(stack.folder), *_engines(), *_stack(stack), *_native(), *_observers()]


def _machine(folder: Path) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(f"Python {version}", sys.version_info >= (3, 11), "Usher needs Python 3.11 or newer")
    memory = psutil.virtual_memory().available
    yield Finding(f"{memory / 1024**3:.1f} GiB of memory available", memory >= NEEDED_MEMORY_BYTES, "2 GiB are needed")
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(f"data folder {folder} can be written", writable, "choose another with --data DIR")
    disk = shutil.disk_usage(existing).free
    yield Finding(f"{disk / 1024**3:.1f} GiB of disk free", disk >= NEEDED_DISK_BYTES, "2 GiB are needed")


def _engines() -> Iterator[Finding]:
    for what, script, argument in [
        ("gateway (Envoy)", "envoy", "--version"),
        ("broker and index (noida-db)", "noida-db", "version"),
        ("database (SecantusDB)", "secantusd-py", "--help"),
    ]:
        yield Finding(f"{what} runs here", *_runs(installed_script(script), argument))


def _runs(*command: str) -> tuple[bool, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"{command[0]}: {error}; `make install` puts it there"
    return done.returncode == 0, (done.stderr or done.stdout).strip().splitlines()[-1] if done.returncode else ""


def _stack(stack: Stack) -> Iterator[Finding]:
    try:
        state, specs = stack.state(), stack.specs()
    except NoStack:
        yield Finding("nothing was started here yet", fine=True)
        return
    except StackFailure as error:
        yield Finding("state of the stack can be read", fine=False, remedy=str(error))
        return
    for spec in specs:
        record = state.processes.get(spec.name)
        if record is not None and record.find() is not None:
            yield Finding(f"{spec.name} runs (pid {record.pid})", fine=True)
            continue
        taken = next((port for port in spec.ports.values() if not is_free(port)), None)
        if taken is None:
            yield Finding(f"{spec.name} is stopped, its ports are free", fine=True)
        else:
            remedy = f"stop {holder_of(taken)}, or `usher down` and `usher up --port-base N`"
            yield Finding(f"port {taken} of {spec.name} is free", fine=False, remedy=remedy)


def _native() -> Iterator[Finding]:
    for program in ("java", "javac", "mvn"):
        found = shutil.which(program) is not None
        remedy = "only `usher up --engines native` needs it: install a JDK 17 and Maven"
        yield Finding(f"{program} is there", found, remedy, needed=False)


def _observers() -> Iterator[Finding]:
    remedy = "only `usher up --observe` needs it: Debian's package prometheus, or `make prometheus`"
    yield Finding("prometheus is there", observing.found("prometheus") is not None, remedy, needed=False)
    remedy = "`usher up --observe` starts it where it is there: grafana-server on the PATH"
    yield Finding("grafana is there", observing.grafana_server() is not None, remedy, needed=False)
