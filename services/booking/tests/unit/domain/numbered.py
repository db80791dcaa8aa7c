"""A machine that names things itself, so that the same steps make the same names each time."""

import itertools

from hypothesis.stateful import RuleBasedStateMachine


class Numbered(RuleBasedStateMachine):
    """Names by chance would let a failure be found and not be found again."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)

    def number(self) -> str:
        """Sorts in the order in which they were given."""
        return f"{next(self.numbers):06}"

    def issue(self, booking: str) -> tuple[str, str]:
        """It makes the tickets as well."""
        return f"{booking}/tickets/{self.number()}", self.number()
