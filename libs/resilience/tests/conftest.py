"""A recorder of what the parts report."""

import pytest


class Recorder:
    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.states: list[str] = []
        self.used: list[tuple[int, int]] = []
        self.refused = 0

    def attempted(self, name: str, outcome: str, seconds: float) -> None:
        assert (name, seconds >= 0) == ("stripe", True)
        self.attempts.append(outcome)

    def breaker_changed(self, name: str, state: str) -> None:
        self.states.append(state)

    def bulkhead_used(self, name: str, in_use: int, waiting: int) -> None:
        self.used.append((in_use, waiting))

    def bulkhead_refused(self, name: str) -> None:
        self.refused += 1


@pytest.fixture
def metrics() -> Recorder:
    return Recorder()
