"""Named places where a test may end its process with signal 9: between two steps that a crash must not tear apart.

USHER_CRASH_AT names one, or several with commas: `relay.after_publish`, or `store.after_commit:3` for the third time.
Without it a crash point costs a call. Where each stands is in the code; tests/rules tells which steps need one.
"""

import os
import re
import signal
from collections.abc import Mapping

CRASH_AT, CRASH_ALLOWED = "USHER_CRASH_AT", "USHER_CRASH_ALLOWED"
_FUSE = re.compile(r"([a-z_]+(?:\.[a-z_]+)+)(?::([1-9][0-9]*))?")
_fuses: dict[str, int] = {}  # name → how often it is still to be reached; empty but in tests


class CrashNotAllowed(Exception):
    """The environment asks for a crash in a process that nobody gave up, or asks in a way that means nothing."""


def crash_point(name: str) -> None:
    """Ends this process at once if a test armed `name`, so often reached as it asked for; else nothing."""
    if _fuses:
        _reached(name)


def arm(environ: Mapping[str, str]) -> None:
    """Take from the environment where to crash; CrashNotAllowed unless USHER_CRASH_ALLOWED is `yes`.

    INVARIANT: a process that is not allowed to crash does not start with a crash point armed.
    """
    wanted = environ.get(CRASH_AT, "")
    fuses = [_FUSE.fullmatch(each.strip()) for each in wanted.split(",")] if wanted else []
    if fuses and environ.get(CRASH_ALLOWED) != "yes":
        raise CrashNotAllowed(f"{CRASH_AT} is set, which only tests do, and {CRASH_ALLOWED} is not yes")
    if None in fuses:
        raise CrashNotAllowed(f"{CRASH_AT}={wanted} names no crash point")
    _fuses.clear()
    _fuses.update({fuse[1]: int(fuse[2] or 1) for fuse in fuses if fuse is not None})


def _reached(name: str) -> None:
    left = _fuses.get(name, 0) - 1
    if left > 0:
        _fuses[name] = left
    elif left == 0:
        os.write(2, f"crash point {name}\n".encode())  # past all buffers: nothing runs after it
        os.kill(os.getpid(), signal.SIGKILL)
