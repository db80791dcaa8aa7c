"""A real Kafka and Elasticsearch wire for tests: one noida-db process, unless USHER_TEST_ENGINES says otherwise."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from testkit.choice import KafkaElastic, chosen_engines

_given: set[int] = set()  # what is on its way to a process that does not listen yet


def free_port() -> int:
    """A loopback TCP port that was free a moment ago, and not one that it has given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


class KafkaElasticEngine:
    """One engine on fixed ports that a test can kill -9 and start again on the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kafka_port, self._elasticsearch_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.brokers = f"127.0.0.1:{self._kafka_port}"
        self.elasticsearch = f"http://127.0.0.1:{self._elasticsearch_port}"

    def start(self, timeout: float = 20.0) -> None:
        """Start and wait until both ports accept connections; TimeoutError with its log after `timeout` seconds."""
        # The console script does not pass signals on to the engine, so the program in the package is started itself.
        program = str(files("noida_db").joinpath("noida-db"))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program, "start", "--data-dir", str(self._folder / "data"), "--only", "kafka,elasticsearch",
                    "--kafka-port", str(self._kafka_port), "--elasticsearch-port", str(self._elasticsearch_port),
                ],
                cwd=self._folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + timeout
        for port in (self._kafka_port, self._elasticsearch_port):
            while not _accepts(port):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise TimeoutError(
                        f"noida-db did not start: {(self._folder / 'log').read_text('utf-8', 'replace')}"
                    )
                time.sleep(0.02)

    def kill(self) -> None:
        """Kill it with signal 9: what it has not written to disk is lost."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a supervisor would; killed after five seconds."""
        self._end(signal.SIGTERM)

    def wipe(self) -> None:
        """Delete all data of a stopped engine, as if the volume had been lost."""
        for path in sorted((self._folder / "data").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def kafka_elastic_engine() -> Iterator[KafkaElastic]:
    """A running engine; `.brokers` and `.elasticsearch` say where. Stopped and deleted at the end.

    It is what USHER_TEST_ENGINES says; the test is skipped, with the reason, where that cannot run.
    """
    chosen = chosen_engines()
    if chosen == "native":
        from testkit.native import native_engine

        with native_engine() as real:
            yield real
    elif chosen == "containers":
        from testkit.containers import kafka_elastic_containers

        with kafka_elastic_containers() as real:
            yield real
    else:
        with _embedded() as engine:
            yield engine


@contextmanager
def _embedded() -> Iterator[KafkaElasticEngine]:
    with tempfile.TemporaryDirectory(prefix="usher-noida-", ignore_cleanup_errors=True) as folder:
        engine = KafkaElasticEngine(Path(folder))
        engine.start()
        try:
            yield engine
        finally:
            engine.kill()
