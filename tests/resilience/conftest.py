"""One stack with two booking replicas for all that is broken here, and the people who buy meanwhile."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.stack import Stack
from testkit.native import stack_engines

sys.path.append(str(Path(__file__).parent))  # for the modules beside the tests
pytest.register_assert_rewrite("audit", "money")

from onsale import World, settle  # noqa: E402 - found and rewritten by what stands above


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack, engines = Stack(tmp_path_factory.mktemp("broken")), stack_engines()
    try:
        asyncio.run(stack.up(engines=engines, replicas={"booking": 2}))
        yield stack
    finally:
        asyncio.run(stack.down())


@pytest.fixture(scope="session")
def world(stack: Stack) -> Iterator[World]:
    with settle(stack) as world:
        yield world


@pytest.fixture(autouse=True)
def everything_runs(stack: Stack) -> None:
    """A test that failed may have left something dead."""
    asyncio.run(stack.up())
