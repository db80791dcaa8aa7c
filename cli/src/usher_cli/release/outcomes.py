"""How a release command can end: one exit code each, and one line that says why and what to do."""

import re
from enum import IntEnum

_USER_OF_URL = re.compile(r"(://)[^\s/@]+@")


class Exit(IntEnum):
    """Exit codes of `usher release`; docs/operations.md explains them."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    BAD_INPUT = 3
    UNREACHABLE = 4
    ROLLED_BACK = 5
    NOT_CONFIRMED = 6
    REFUSED = 7
    STUCK = 8


class Trouble(Exception):
    """A command ends here: the exit code, the one line, and what stands below it (reasons, findings)."""

    def __init__(self, code: Exit, line: str, *more: str) -> None:
        super().__init__(unsigned(line))
        self.code = code
        self.more = tuple(map(unsigned, more))


def unsigned(text: str) -> str:
    """The text without the user and password that a URL in it may carry."""
    return _USER_OF_URL.sub(r"\1(hidden)@", text)
