"""A name for a group member that a process keeps when it is killed and started again (static membership, KIP-345).

With it a restarted process gets its partitions back at once; without it the group first waits until the dead member's
session has ended. Processes on one machine take numbers, held by file locks, which the kernel frees however they end.
"""

import fcntl
import hashlib
import os
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST = 64


@contextmanager
def instance_of(group: str, brokers: str) -> Iterator[str | None]:
    """A name nobody else in `group` has, "<host>-<n>"; None where no lock can be had: membership is dynamic then."""
    kind = hashlib.sha256(f"{group}\n{brokers}".encode()).hexdigest()[:16]
    for number in range(MOST):
        path = Path(tempfile.gettempdir()) / f"usher-{kind}-{number}.lock"
        handle = _locked(path)
        if handle is not None:
            try:
                yield f"{socket.gethostname()}-{uuid.getnode():x}-{number}"
            finally:
                with suppress(OSError):
                    path.unlink()
                os.close(handle)
            return
    yield None


def _locked(path: Path) -> int | None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before may have deleted the file between our opening and locking it.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None
