"""Options that the release commands share, their exit codes for wrong usage, and how a failure is told."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer._click.exceptions import UsageError  # typer brings its own Click and shows only some of it
from typer.core import TyperGroup

from usher_cli.output import complain, out, print_json
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.signatures import ISSUER

Environment = Annotated[str, typer.Argument(help="dev, staging or prod.", show_default=False)]
Tag = Annotated[str, typer.Option(help="Tag of the images; the chart's own version when not said.")]
Registry = Annotated[
    str, typer.Option(help="Where the images are: REGISTRY/usher-booking and so on.", envvar="USHER_REGISTRY")
]
Values = Annotated[
    list[Path] | None,
    typer.Option("--values", "-f", help="YAML over the environment's values (repeatable).", envvar="USHER_VALUES"),
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One value (repeatable).")]
Texts = Annotated[
    list[str] | None,
    typer.Option("--set-string", metavar="KEY=TEXT", help="One value that is a text, as settings are (repeatable)."),
]
Name = Annotated[str, typer.Option("--release", help="Name of the release.")]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Namespace of the release.", envvar="USHER_NAMESPACE")
]
Context = Annotated[str, typer.Option(help="Context of the kubeconfig; the current one when not said.")]
Timeout = Annotated[str, typer.Option(help="How long the release may take until everything is ready: 90s, 10m, 1h.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, not even for prod.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and change nothing.")]
SignedBy = Annotated[
    str,
    typer.Option(
        help="Regular expression of the whole identity that must have signed the images (cosign).",
        envvar="USHER_SIGNED_BY",
    ),
]
SignatureIssuer = Annotated[str, typer.Option(help="Who vouches for that identity.")]
DEFAULT_ISSUER = ISSUER
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Clear a revision that is stuck, take back fields that others have changed. No check is left out.",
    ),
]
ChangeEnvironment = Annotated[
    bool, typer.Option("--change-environment", help="Let what runs there become another environment's.")
]


class ReleaseGroup(TyperGroup):
    """Wrong usage has an exit code of its own here: Click's 2 says that a plan has changes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except UsageError as wrong:
            vars(wrong)["exit_code"] = int(Exit.BAD_INPUT)
            raise


@contextmanager
def told(document: dict[str, Any], *, as_json: bool) -> Iterator[None]:
    """Turn Trouble into one clear line on stderr, what stands below it, the document with `error`, an exit code."""
    try:
        yield
    except Trouble as trouble:
        complain("\n  ".join([str(trouble), *trouble.more]))
        if as_json:
            error = {"what": str(trouble), "details": list(trouble.more)}
            print_json(
                {**document, "exit_code": int(trouble.code), "outcome": trouble.code.name.lower(), "error": error}
            )
        raise typer.Exit(trouble.code) from None


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def confirm(environment: str, what: str, *, yes: bool, there: frozenset[str] = frozenset()) -> None:
    """Ask for prod, also where prod is what runs `there`, unless --yes. Trouble(NOT_CONFIRMED)."""
    if "prod" not in {environment, *there} or yes:
        return
    if not is_terminal():
        raise Trouble(Exit.NOT_CONFIRMED, f"{what} has to be confirmed and there is no terminal: say --yes")
    out().print(f"{what}. Type prod to go on: ", end="", markup=False)
    if sys.stdin.readline().strip() != "prod":
        raise Trouble(Exit.NOT_CONFIRMED, "not confirmed; nothing was changed")
