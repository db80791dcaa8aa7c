"""Stripe's own stripe-mock: built once from the module proxy into the cache, started for the session.

It answers from Stripe's OpenAPI document and refuses what that does not know; it remembers nothing. The newest that can
be had (0.203.0) carries the document of 2026-08-26, one release before the one that the SDK sends.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.go_programs import built, lacking

MODULE = Path(__file__).parents[4] / "sandbox" / "stripe_mock"
GO = (1, 24)  # the first whose go.mod has tools


@pytest.fixture(scope="session")
def stripe_mock() -> Iterator[str]:
    """Where it listens. Skipped, with the reason, where Go is missing."""
    if reason := lacking(MODULE, GO):
        pytest.skip(reason)
    addresses = ["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"]
    command = [str(built(MODULE) / "stripe-mock"), *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = next(line for line in process.stdout if "HTTP at address" in line)
            yield f"http://{told.split()[-1]}"
        finally:
            process.terminate()
            process.wait(10)
