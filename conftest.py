"""How tests are spread over processes (files and folders with one stack stay together), and settings of hypothesis."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("usher", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("usher")

SHARE_A_STACK = ("tests/e2e/", "tests/resilience/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group for `--dist loadgroup`; those with a stack take longest, so they begin first."""
    for item in items:
        path = item.nodeid.partition("::")[0]
        group = next((folder for folder in SHARE_A_STACK if path.startswith(folder)), path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not item.nodeid.startswith(SHARE_A_STACK))
