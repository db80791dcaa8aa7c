"""The command tree of `usher`."""

import typer

from usher_cli import (
    backup_commands,
    demo,
    event_import,
    events_commands,
    ledger_commands,
    mail_commands,
    rate_commands,
    stack_commands,
)
from usher_cli.release import commands as release_commands


def build() -> typer.Typer:
    """All commands."""
    app = typer.Typer(
        name="usher",
        help="Runs Usher on this machine, works with it, and releases it to clusters.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is not serving, 4 the books are wrong. "
        "`usher release` has its own.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (stack_commands.up, stack_commands.down, stack_commands.status, stack_commands.logs):
        app.command()(command)
    app.command()(stack_commands.doctor)
    app.command()(demo.demo)
    app.add_typer(backup_commands.build(), name="backup")
    app.add_typer(event_import.build(), name="import")
    app.add_typer(events_commands.build(), name="events")
    app.add_typer(ledger_commands.build(), name="ledger")
    app.add_typer(mail_commands.build(), name="mail")
    app.add_typer(rate_commands.build(), name="rates")
    app.add_typer(release_commands.build(), name="release")
    return app


def main() -> None:
    """Console script `usher`."""
    build()()
