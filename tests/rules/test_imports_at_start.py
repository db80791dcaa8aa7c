"""What each service loads at start: nothing that it does not use, though it is installed for others."""

import subprocess
import sys

import pytest

from local_stack.platform_processes import SERVICES

# 2 to 12 MiB each, in each process.
HEAVY = frozenset(
    {
        "PIL", "aiohttp", "elasticsearch", "httpx", "icalendar", "numpy", "opentelemetry", "pydantic", "pygments",
        "reportlab", "requests", "rich", "stripe", "typer",
    }
)  # fmt: skip
USED = {
    "analytics": {"aiohttp", "elasticsearch"},
    "search": {"aiohttp", "elasticsearch"},
    "notification": {"icalendar"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_loads_only_what_it_uses(service: str) -> None:
    """INVARIANT: who does not use a package does not pay for it in memory; its image may not even have it."""
    code = f"import sys, {service}_service.__main__; print(*{{each.partition('.')[0] for each in sys.modules}})"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == USED.get(service, set())
