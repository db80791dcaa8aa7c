"""What can go wrong with a local stack, each told in one line that says what to do about it."""


class StackFailure(Exception):
    """A local stack cannot do what was asked; the message is for the person at the terminal."""


class PortTaken(StackFailure):
    """A port the stack needs is held by a process that is not part of it."""

    def __init__(self, owner: str, port: int, holder: str) -> None:
        super().__init__(
            f"port {port} of {owner} is taken by {holder}: stop that, or take other ports "
            "with --port-base (after `usher down`)"
        )
        self.port = port


class ProcessFailed(StackFailure):
    """A process ended, or did not get ready in time, while the stack was starting."""

    def __init__(self, name: str, what: str, log: str, last_lines: str) -> None:
        super().__init__(f"{name} {what} (log: {log})" + (f"\n{last_lines}" if last_lines else ""))
        self.process = name


class NoStack(StackFailure):
    """Nothing was ever started in this data folder."""


class StackBusy(StackFailure):
    """Another `usher up` or `usher down` is at work on the same data folder."""
