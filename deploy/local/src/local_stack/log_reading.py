"""Reading the logs of processes: their last lines, and what they go on to write."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

POLL_SECONDS = 0.2


def last_lines_of(log: Path, count: int) -> list[str]:
    """The last `count` lines; none when the process never wrote."""
    if not log.exists():
        return []
    with log.open(errors="replace") as stream:
        return [line.rstrip("\n") for line in deque(stream, maxlen=count)]


async def follow(logs: Mapping[str, Path]) -> AsyncIterator[tuple[str, str]]:
    """Name and text of every line written from now on, until the caller stops."""
    positions = {name: path.stat().st_size if path.exists() else 0 for name, path in logs.items()}
    halves = dict.fromkeys(logs, "")
    while True:
        for name, path in logs.items():
            if not path.exists() or path.stat().st_size <= positions[name]:
                continue
            with path.open("rb") as stream:
                stream.seek(positions[name])
                fresh = stream.read()
            positions[name] += len(fresh)
            *lines, halves[name] = (halves[name] + fresh.decode(errors="replace")).split("\n")
            for line in lines:
                yield name, line
        await asyncio.sleep(POLL_SECONDS)
