"""How tests are spread over processes: a file stays together, and so do folders whose tests share one stack."""

import pytest

SHARE_A_STACK = ("tests/e2e/", "tests/resilience/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group for `--dist loadgroup`; those with a stack take longest, so they begin first."""
    for item in items:
        path = item.nodeid.partition("::")[0]
        group = next((folder for folder in SHARE_A_STACK if path.startswith(folder)), path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not item.nodeid.startswith(SHARE_A_STACK))
