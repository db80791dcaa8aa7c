"""Runs a command over a copy of the own packages, and again when a file of the copy changes: `reload.py python -m …`.

For development images: the file system of a container is read-only but for /tmp, where changed files are copied to.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

PAUSE = 0.5


def state(folder: Path) -> dict[str, int]:
    """When each source file in `folder` was written, in nanoseconds."""
    found = {}
    for path in folder.rglob("*.py"):
        with suppress(FileNotFoundError):  # taken away while we look
            found[str(path)] = path.stat().st_mtime_ns
    return found


def run(command: list[str], folder: Path) -> int:
    """Until this process is told to end; the exit code of the command, which waits for a change where it failed."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while True:
        known, process = state(folder), subprocess.Popen(command)
        while not stopping and state(folder) == known:
            time.sleep(PAUSE)
        process.terminate()
        code = process.wait()
        if stopping:
            return code
        print(f"changed, started again: {' '.join(command)}", flush=True)


def main() -> int:
    """Copy what the image holds, then run the command that the arguments say."""
    image, copy = Path(os.environ["USHER_OWN"]), Path(os.environ["PYTHONPATH"])
    shutil.copytree(image, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return run(sys.argv[1:], copy)


if __name__ == "__main__":
    sys.exit(main())
