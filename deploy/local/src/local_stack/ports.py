"""Ports of a stack: chosen once, free when chosen, kept over restarts."""

import asyncio
import random
import socket
import time
from collections.abc import Collection, Mapping, Sequence

import psutil

from local_stack.failures import PortTaken, StackFailure
from local_stack.readiness import LOOPBACK

FIRST, LAST = 20000, 29999
"""The range to choose from lies below the ephemeral ranges of Linux and macOS, so that no outgoing connection ever
takes the port of a process that is down for a moment."""

GRACE_SECONDS = 1.0


def is_free(port: int) -> bool:
    """Whether a listener could bind the loopback `port` now (ports in TIME_WAIT count as free)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(
    names: Sequence[str], *, base: int | None = None, preferred: Mapping[str, int] | None = None
) -> dict[str, int]:
    """A port for each name: counted up from `base` when one is given, else the preferred one, else a free one."""
    if base is not None:
        if not 1024 <= base <= 65535 - len(names):
            raise StackFailure(f"--port-base must lie between 1024 and {65535 - len(names)}, not {base}")
        return {name: base + offset for offset, name in enumerate(names)}
    chosen: dict[str, int] = {}
    for name in names:
        wanted = (preferred or {}).get(name)
        chosen[name] = wanted if wanted and is_free(wanted) else _random_free(chosen.values())
    return chosen


def _random_free(but_not: Collection[int]) -> int:
    for port in random.sample(range(FIRST, LAST + 1), k=200):
        if port not in but_not and is_free(port):
            return port
    raise StackFailure(f"no free port found between {FIRST} and {LAST}")


async def require_free(owner: str, ports: Collection[int]) -> None:
    """Raise PortTaken, naming the holder, for the first of `ports` that cannot be bound.

    A killed process holds its ports a moment longer than it is seen alive, hence the grace.
    """
    patience = time.monotonic() + GRACE_SECONDS
    for port in ports:
        while not is_free(port):
            if time.monotonic() > patience:
                raise PortTaken(owner, port, holder_of(port))
            await asyncio.sleep(0.02)


def holder_of(port: int) -> str:
    """Who listens on `port`, as "name (pid 12)"; "another process" when the system does not tell."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return "another process"
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return "another process"
