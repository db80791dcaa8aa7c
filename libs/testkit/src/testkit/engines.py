"""A real MongoDB wire for tests: one SecantusDB process, unless USHER_TEST_ENGINES says otherwise."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from testkit.choice import Mongo, chosen_engines


class MongoEngine:
    """An engine on a fixed port that a test can kill -9 and start again on the same data."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"mongodb://127.0.0.1:{self._port}/?replicaSet=secantus"

    def start(self, timeout: float = 30.0) -> None:
        """Start and wait until it accepts connections; RuntimeError with its log if not within `timeout` seconds."""
        where = ["--port", str(self._port), "--storage-path", str(self._folder / "data")]
        command = [*_command(), *where, "--sync-on-commit"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        give_up = time.monotonic() + timeout
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.kill()
                raise RuntimeError(f"SecantusDB did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it with signal 9, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=0.2).close()
        except OSError:
            return False
        return True


@contextmanager
def mongo_process() -> Iterator[Mongo]:
    """A running engine of one's own, for tests that kill it; a container where USHER_TEST_ENGINES asks for those."""
    if chosen_engines() == "containers":
        from testkit.containers import mongo_container

        with mongo_container() as container:
            yield container
        return
    with tempfile.TemporaryDirectory(prefix="usher-mongo-", ignore_cleanup_errors=True) as folder:
        engine = MongoEngine(Path(folder))
        engine.start()
        try:
            yield engine
        finally:
            engine.kill()


@contextmanager
def mongo_engine() -> Iterator[str]:
    """URI of a MongoDB: USHER_TEST_MONGODB_URI if set, else a fresh one. Use a database name per test."""
    given = os.environ.get("USHER_TEST_MONGODB_URI")
    if given:
        yield given
        return
    with mongo_process() as engine:
        yield engine.uri


def _command() -> Sequence[str]:
    """As the local stack starts it where that is installed, else the package's own program."""
    if find_spec("local_stack") is not None:
        return [sys.executable, "-P", "-m", "local_stack.embedded_database"]
    beside = Path(sys.executable).parent / "secantusd-py"
    return [str(beside) if beside.exists() else shutil.which("secantusd-py") or "secantusd-py"]
