"""Stacks in temporary folders that are stopped whatever a test did."""

import asyncio

import pytest

from local_stack.failures import NoStack
from local_stack.stack import Stack


@pytest.fixture
def stacks(tmp_path):
    """Gives stacks by name, each in a folder of its own."""
    made = []

    def stack(name="stack"):
        made.append(Stack(tmp_path / name))
        return made[-1]

    yield stack
    for each in made:
        try:
            asyncio.run(each.down())
        except NoStack:
            continue
