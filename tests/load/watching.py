"""How long a commit takes to reach somebody who watches the availability of its event."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from local_stack.readiness import LOOPBACK

LOOK_SECONDS = 0.005


class Watcher:
    """One stream of WatchAvailability through the gateway. seen: (wall clock, places left) of each message."""

    def __init__(self, port: int, event: str) -> None:
        self.seen: list[tuple[float, int]] = []
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self._connection.request("GET", f"/v1/{event}/availability:watch")
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, left: int, seconds: float) -> bool:
        """Until the stream has told that no more than `left` places are left."""
        end = time.monotonic() + seconds
        while not (self.seen and self.seen[-1][1] <= left):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """End the stream; the reader would keep the answer from being closed as long as nothing comes."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        try:
            for line in self._answer:
                now = time.time()
                self.seen.append((now, min(int(each["remaining"]) for each in json.loads(line)["ticketTypes"])))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return  # the stream was closed


@contextmanager
def watching(port: int, event: str) -> Iterator[Watcher]:
    """A watcher for as long as the block lasts."""
    watcher = Watcher(port, event)
    try:
        yield watcher
    finally:
        watcher.close()


class Commits:
    """Looks at an inventory again and again. looks: when one was asked for (wall clock), places taken that it showed.

    A look that shows less than what a commit left was asked for before that commit: what is counted from there on is no
    less than the time from the commit on, and more by a look at most.
    """

    def __init__(self, uri: str, event: str) -> None:
        self.looks: list[tuple[float, int]] = []
        self._client = MongoClient[dict[str, Any]](uri)
        self._event, self._ending = event, threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """After a last look."""
        self._ending.set()
        self._thread.join()
        self._look()
        self._client.close()

    def moments(self) -> list[float]:
        """Of each place that was taken since the first look, in order: a moment shortly before its commit."""
        moments: list[float] = []
        for (asked, taken), (_, following) in zip(self.looks, self.looks[1:], strict=False):
            moments += [asked] * (following - taken)
        return moments

    def _keep_looking(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        asked = time.time()
        found = self._client["usher_booking"]["inventory"].find_one(self._event, {"taken": 1}) or {}
        self.looks.append((asked, sum(found.get("taken", {}).values())))


@contextmanager
def looking(uri: str, event: str) -> Iterator[Commits]:
    """Looks for as long as the block lasts."""
    commits = Commits(uri, event)
    try:
        yield commits
    finally:
        commits.close()


def decided(created: Sequence[str]) -> list[float]:
    """When each booking was decided, by its createTime."""
    return [datetime.fromisoformat(each).timestamp() for each in created]


def delays(moments: Sequence[float], seen: Sequence[tuple[float, int]], capacity: int) -> list[int]:
    """Microseconds, sorted, from what happened to each booking to the first message that counts it; -1 never.

    moments: of that, in any order, in seconds since the epoch.
    """
    found, position = [], 0
    for number, moment in enumerate(sorted(moments), 1):
        while position < len(seen) and seen[position][1] > capacity - number:
            position += 1
        found.append(round((seen[position][0] - moment) * 1e6) if position < len(seen) else -1)
    return sorted(found)
