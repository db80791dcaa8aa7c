"""Apache Kafka and Elasticsearch on Java for tests: the native engines of a local stack, in folders that go away."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_stack import native
from local_stack.failures import StackFailure
from local_stack.ports import choose_ports
from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack, port_names
from local_stack.state import Engines, StackState, write_state
from testkit.choice import chosen_engines
from testkit.on_demand import OnDemand, completed


class NativeEngine:
    """One process of a stack in `folder` that has no other."""

    def __init__(self, folder: Path, name: str, scheme: str = "") -> None:
        folder.mkdir()
        self._stack, self._name, self._data = Stack(folder), name, folder / name
        ports = choose_ports(port_names())
        write_state(folder, StackState(engines="native", ports=ports))
        self.address = f"{scheme}{LOOPBACK}:{ports[name]}"

    def start(self) -> None:
        """Start it unless it runs and wait until it serves; StackFailure with the last lines of its log."""
        completed(self._stack.up(only=[self._name]))

    def kill(self) -> None:
        """End it with signal 9."""
        if self._name in self._stack.state().processes:
            completed(self._stack.kill(self._name))

    def stop(self) -> None:
        """End it in order."""
        completed(self._stack.down())

    def wipe(self) -> None:
        """Delete its data."""
        shutil.rmtree(self._data)


def stack_engines() -> Engines:
    """What `Stack.up` takes: native where USHER_TEST_ENGINES says so, else embedded; skips as `native_engine` does."""
    if chosen_engines() != "native":
        return "embedded"
    _require()
    return "native"


@contextmanager
def native_engine() -> Iterator[OnDemand]:
    """Engines of one's own, each started when its address is asked for; skips where Java or Maven is missing."""
    _require()
    with tempfile.TemporaryDirectory(prefix="usher-native-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        engine = OnDemand(
            NativeEngine(folder / "broker", "kafka"), NativeEngine(folder / "index", "elasticsearch", "http://")
        )
        try:
            yield engine
        finally:
            engine.kill()


def _require() -> None:
    try:
        native.require_java_and_maven()
    except StackFailure as lacking:
        pytest.skip(str(lacking))
