"""Options that several commands share, and the one way in which a failure is told."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import httpx
import typer

from domain_kit.refusals import Refusal
from local_stack.failures import StackFailure
from local_stack.stack import Stack, default_folder
from usher_cli.api import ApiRefusal
from usher_cli.output import complain

P = ParamSpec("P")
R = TypeVar("R")

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder of the stack; every folder is a stack of its own.", envvar="USHER_DATA"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

FAILED, NOT_SERVING, WRONG_BOOKS = 1, 3, 4
"""Exit codes besides 0 (done) and 2 (wrong usage, from Click): it failed; it works but something is not serving; the
books were read and are not as they have to be."""


class CommandFailure(Exception):
    """A command cannot do what was asked; the message is the one line that says why."""


def stack_of(data: Path | None) -> Stack:
    """The stack a command is about."""
    return Stack(data.resolve() if data else default_folder())


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Turn expected failures into one clear line and exit code 1; anything else is a bug and keeps its traceback."""

    @functools.wraps(command)
    def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (StackFailure, CommandFailure, ApiRefusal, Refusal) as failure:
            complain(str(failure))
        except httpx.ConnectError as failure:
            complain(f"the gateway does not answer ({failure}): `usher up` starts it")
        except httpx.HTTPError as failure:
            complain(f"{type(failure).__name__}: {failure}")
        raise typer.Exit(FAILED)

    return telling
