"""The limit of a container is read where the kernel tells it; without one there is what the machine has."""

import psutil
import pytest

from telemetry import Metrics, metrics
from telemetry.memory_limit import memory_limit


@pytest.mark.parametrize(("said", "limited"), [("4026531\n", True), ("max\n", False), ("9223372036854771712\n", False)])
def test_a_limit_is_a_number_smaller_than_the_machine(tmp_path, said, limited):
    place = tmp_path / "memory.max"
    place.write_text(said)
    limit = memory_limit((tmp_path / "missing", place))
    assert limit == (int(said) if limited else psutil.virtual_memory().total)


def test_where_the_kernel_tells_nothing_it_is_the_machine(tmp_path):
    assert memory_limit((tmp_path / "missing",)) == psutil.virtual_memory().total


def test_a_process_shows_it(monkeypatch):
    monkeypatch.setattr(metrics, "memory_limit", lambda: 402653184)
    assert b"usher_memory_limit_bytes 4.02653184e+08" in Metrics("booking").text()
