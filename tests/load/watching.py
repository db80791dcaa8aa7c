"""How long a commit takes to reach somebody who watches the availability of its event."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from local_stack.readiness import LOOPBACK


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


def delays(created: Sequence[str], seen: Sequence[tuple[float, int]], capacity: int) -> list[int]:
    """Microseconds, sorted, from the decision on each booking to the first message that counts it; -1 never.

    created: createTime of each booking, in any order. A decision comes before its commit, so this is no less than the
    time from the commit on.
    """
    moments = sorted(datetime.fromisoformat(each).timestamp() for each in created)
    found, position = [], 0
    for number, moment in enumerate(moments, 1):
        while position < len(seen) and seen[position][1] > capacity - number:
            position += 1
        found.append(round((seen[position][0] - moment) * 1e6) if position < len(seen) else -1)
    return sorted(found)
