"""The machines for longer, in `make test-long`."""

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine


def for_long(machine: type[RuleBasedStateMachine], examples: int) -> type[RuleBasedStateMachine.TestCase]:
    """A test of so many examples of 120 steps, or `USHER_LONG_EXAMPLES`. All of them together take a quarter of an hour
    of a core.
    """
    longer = type(f"Long{machine.__name__}", (machine,), {}).TestCase
    longer.settings = settings(
        max_examples=int(os.environ.get("USHER_LONG_EXAMPLES", examples)), stateful_step_count=120, deadline=None,
        print_blob=True,
    )  # fmt: skip
    return pytest.mark.long(pytest.mark.timeout(7200)(longer))
