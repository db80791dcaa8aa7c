"""The handlers' world in memory, and modules beside the tests that several of them import."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from payment_fakes import Crash, World  # it stands beside


@pytest.fixture
def new_world() -> type[World]:
    return World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def crash() -> type[Crash]:
    return Crash
