"""Stripe's own stripe-mock: built once from the module proxy into the cache, started for the session.

It answers from Stripe's OpenAPI document and refuses what that does not know; it remembers nothing. The newest that can
be had (0.203.0) carries the document of 2026-08-26, one release before the one that the SDK sends.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[4] / "sandbox" / "stripe_mock"
TOOL = "github.com/stripe/stripe-mock"
GO = (1, 24)  # the first whose go.mod has tools


def _lacking() -> str:
    """What keeps it from being built, in one line; empty: nothing."""
    go = shutil.which("go")
    if go is None:
        return "stripe-mock is written in Go, which is not installed"
    told = subprocess.run([go, "env", "GOVERSION"], cwd=MODULE, capture_output=True, text=True, check=False)
    version = told.stdout.strip().removeprefix("go").split(".")
    if told.returncode or not version[0].isdigit() or tuple(map(int, version[:2])) < GO:
        return f"stripe-mock needs Go {GO[0]}.{GO[1]} or newer; `go env` says {told.stdout.strip() or 'nothing'}"
    return ""


def _built() -> Path:
    """The program; its name carries a digest of what is pinned, so that another version is another file."""
    pinned = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    cache = Path(os.environ.get("USHER_CACHE") or Path.home() / ".cache" / "usher")
    target = cache / "go" / f"stripe-mock-{hashlib.sha256(pinned).hexdigest()[:12]}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / "stripe-mock"
            command = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(made), TOOL]
            done = subprocess.run(command, cwd=MODULE, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-2000:]
            made.replace(target)
    return target


@pytest.fixture(scope="session")
def stripe_mock() -> Iterator[str]:
    """Where it listens. Skipped, with the reason, where Go is missing."""
    if reason := _lacking():
        pytest.skip(reason)
    addresses = ["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"]
    command = [str(_built()), *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = next(line for line in process.stdout if "HTTP at address" in line)
            yield f"http://{told.split()[-1]}"
        finally:
            process.terminate()
            process.wait(10)
