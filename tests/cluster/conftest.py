"""One cluster for all tests of this folder; without Go, or helm and kubectl, they are skipped and say why."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parents[1] / "tools")]

from cluster import Cluster, furnish  # noqa: E402  # found by the path set above
from combinations import Combinations  # noqa: E402  # found by the path set above
from control_plane import ControlPlane  # noqa: E402  # found by the path set above
from helm_chart import ENVIRONMENTS  # noqa: E402  # found by the path set above
from journey import Journey  # noqa: E402  # found by the path set above
from kubernetes_tools import ToolMissing, tool  # noqa: E402  # found by the path set above
from parts import parts, what_is_lacking  # noqa: E402  # found by the path set above

# Journeys and renders go on beside other tests; emptying a zone would disturb the former.
LAST = ("test_admission.py", "test_journeys.py", "test_disruption.py")
UNDER_WAY = ("journeys", "combinations")
STEPS = pytest.StashKey[list[tuple[str, float]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STEPS] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if steps := config.stash[STEPS]:
        terminalreporter.section("how long it took in the cluster")
        for what, seconds in steps:
            terminalreporter.write_line(f"{seconds:7.1f} s  {what}")


@pytest.fixture(scope="session")
def timed(pytestconfig):
    """`with timed("what")`: told at the end."""

    @contextmanager
    def measure(what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        pytestconfig.stash[STEPS].append((what, time.monotonic() - began))

    return measure


@pytest.fixture(scope="session")
def cluster(tmp_path_factory, timed):
    """Running, furnished, and gone afterwards."""
    if reason := what_is_lacking():
        pytest.skip(f"no cluster: {reason}")
    try:
        tool("helm"), tool("kubectl")
    except ToolMissing as missing:
        pytest.skip(f"no cluster: {missing}")
    with timed("programs and definitions, built where they were not in the cache"):
        made = parts()
    plane = ControlPlane(made, tmp_path_factory.mktemp("cluster"))
    with ExitStack() as stack:
        with timed("start of the cluster, nodes, volumes and definitions included"):
            stack.enter_context(plane.running())
            it = Cluster(plane)
            furnish(it, made.definitions)
        yield it


@pytest.fixture(scope="session")
def journeys(cluster, timed):
    """Environment → its journey, under way."""
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as threads:
        yield {each: threads.submit(Journey(cluster, each, timed).run) for each in ENVIRONMENTS}


@pytest.fixture(scope="session")
def combinations(cluster, timed):  # where there is none, nothing is rendered
    """Environment → its combinations of settings, being rendered: one at a time, for others wait for the cluster."""
    threads = ThreadPoolExecutor(1)
    try:
        yield {each: threads.submit(Combinations, each, timed) for each in ENVIRONMENTS}
    finally:
        threads.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def _what_takes_long_begins(request):
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in UNDER_WAY:
        if name in wanted:
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def released(cluster, timed):
    """A namespace with prod's release; its consumers scale by CPU, for KEDA's operator is not here."""
    namespace = cluster.make_namespace("released")
    with timed("prod, installed for the tests of what it is then"):
        cluster.install("prod", namespace=namespace, values={"keda": {"enabled": False}})
        cluster.eventually("prod is whole", lambda: cluster.is_whole(namespace))
    return namespace
