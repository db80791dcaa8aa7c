"""How tests are spread over processes, and settings of hypothesis."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("usher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("usher")

WITH_A_STACK = ("tests/e2e/", "tests/resilience/")
RENDERS = "deploy/helm/"
PLATFORMS: list[Callable[[], None]] = []  # ends those that run


class ByStackOrFile(LoadScopeScheduling):
    """A file stays together, and so do all tests that start the whole platform: two at once leave two cores no time.

    And those of the chart: what one process has rendered no other renders again.

    (`--dist loadgroup` would say the same by marks, but its release 3.8 and pytest 9.2 do not understand each other.)
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith(WITH_A_STACK):
            return "stacks"
        return RENDERS if path.startswith(RENDERS) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStackOrFile:
    """Of `-n`, whatever `--dist` says."""
    return ByStackOrFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    """Remember the platforms that run."""
    if fixturedef.argname == "stack" and request.scope == "session":
        PLATFORMS.append(lambda: fixturedef.finish(request))  # type: ignore[arg-type]  # what comes here is a SubRequest
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A platform is down as soon as no test of its folder follows: idle it would still take from all that come later.

    (Scope `package` says the same only of folders with an `__init__.py`.)
    """
    result = yield
    folder = next((each for each in WITH_A_STACK if item.nodeid.startswith(each)), None)
    if folder and not (nextitem and nextitem.nodeid.startswith(folder)):
        while PLATFORMS:
            PLATFORMS.pop()()
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a stack take longest, so they begin first."""
    items.sort(key=lambda item: not item.nodeid.startswith(WITH_A_STACK))
