"""How tests are spread over processes, and settings of hypothesis."""

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("usher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("usher")

WITH_A_STACK = ("tests/e2e/", "tests/resilience/")


class ByStackOrFile(LoadScopeScheduling):
    """A file stays together, and so do all tests that start the whole platform: two at once leave two cores no time.

    (`--dist loadgroup` would say the same by marks, but its release 3.8 and pytest 9.2 do not understand each other.)
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "stacks" if path.startswith(WITH_A_STACK) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStackOrFile:
    """Of `-n`, whatever `--dist` says."""
    return ByStackOrFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a stack take longest, so they begin first."""
    items.sort(key=lambda item: not item.nodeid.startswith(WITH_A_STACK))
