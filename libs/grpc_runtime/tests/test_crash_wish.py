"""A service whose environment asks for a crash."""

import pytest

from grpc_runtime import run


def test_a_service_that_is_not_allowed_to_crash_does_not_start(monkeypatch, caplog) -> None:
    """INVARIANT: a crash point that is armed by mistake keeps production from starting, it does not end it later."""
    monkeypatch.setenv("USHER_CRASH_AT", "store.before_commit")
    monkeypatch.delenv("USHER_CRASH_ALLOWED", raising=False)

    class Settings:
        service, log_level = "trial", "INFO"

    def build(settings, metrics):
        raise AssertionError("was built")

    with pytest.raises(SystemExit) as end:
        run(build, Settings())
    assert end.value.code == 1
