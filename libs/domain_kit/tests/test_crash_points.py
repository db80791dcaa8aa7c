"""Crash points: nothing in production, the end of the process where a test wants it."""

import os
import signal
import subprocess
import sys
import timeit

import pytest

from domain_kit.crash_points import CrashNotAllowed, arm, crash_point

ALLOWED = {"USHER_CRASH_ALLOWED": "yes"}
PROGRAM = """
import os
from domain_kit.crash_points import arm, crash_point
arm(os.environ)
for number in range(3):
    print(number, flush=True)
    crash_point("a.before")
    crash_point("a.after")
"""


@pytest.fixture(autouse=True)
def disarmed():
    yield
    arm({})


def run(at: str) -> tuple[int, list[str], str]:
    environment = {**os.environ, **ALLOWED, "USHER_CRASH_AT": at}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split(), done.stderr


def test_without_a_wish_to_crash_nothing_happens() -> None:
    assert run("") == (0, ["0", "1", "2"], "")


def test_the_process_ends_as_by_signal_9_and_says_where() -> None:
    assert run("a.after") == (-signal.SIGKILL, ["0"], "crash point a.after\n")


def test_it_may_be_the_third_time_and_one_of_several() -> None:
    assert run("a.before:3, b.never") == (-signal.SIGKILL, ["0", "1", "2"], "crash point a.before\n")


def test_nobody_crashes_by_mistake() -> None:
    """INVARIANT: a process that is not allowed to crash does not start with a crash point armed."""
    for allowed in ({}, {"USHER_CRASH_ALLOWED": "no"}, {"USHER_CRASH_ALLOWED": ""}):
        with pytest.raises(CrashNotAllowed, match="not yes"):
            arm({"USHER_CRASH_AT": "a.before", **allowed})
    crash_point("a.before")


@pytest.mark.parametrize("text", ["a", "a.b:0", "a.b:x", "A.b", "a.b,,c.d"])
def test_a_wish_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(CrashNotAllowed, match="names no"):
        arm({"USHER_CRASH_AT": text, **ALLOWED})


def test_what_is_armed_elsewhere_does_not_end_this() -> None:
    arm({"USHER_CRASH_AT": "a.before:2", **ALLOWED})
    crash_point("a.after")
    crash_point("a.before")
    arm({})
    crash_point("a.before")


def test_it_costs_no_more_than_a_call() -> None:
    times = 20_000
    seconds = min(timeit.repeat(lambda: crash_point("a.before"), number=times, repeat=20)) / times
    assert seconds < 200e-9  # with the lambda around it; 55 ns where it was written
