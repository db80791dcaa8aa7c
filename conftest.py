"""How tests are spread over processes: a file stays together, and all end-to-end tests share one stack."""

import pytest

END_TO_END = "tests/e2e/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group for `--dist loadgroup`; the end-to-end tests take longest, so they begin first."""
    for item in items:
        path = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(END_TO_END if path.startswith(END_TO_END) else path))
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))
