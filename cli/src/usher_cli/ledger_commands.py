"""ledger: whether payment's books are as they were written, and whether gateways have the same in theirs."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from usher_cli.options import WRONG_BOOKS, CommandFailure, Data, Json, stack_of, told
from usher_cli.output import out, print_json


def build() -> typer.Typer:
    """The commands under `usher ledger`."""
    commands = typer.Typer(help="Payment's double-entry ledger.", no_args_is_help=True)
    commands.command("verify")(verify)
    commands.command("reconcile")(reconcile)
    return commands


@told
def verify(
    data: Data = None,
    anchor: Annotated[
        str, typer.Option(help="NUMBER:HASH as an earlier verification told; that entry must still have that hash.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Check every entry's hash, number and sum, every balance, and the end. Exit code 4: something is wrong."""
    from payment_service.commands import told as lines_of  # the payment service's code loads only where needed
    from usher_cli.ledger_books import noted, verified_ledger

    head, findings = asyncio.run(verified_ledger(stack_of(data), noted(anchor)))
    if as_json:
        print_json(
            {
                "sound": not findings,
                "entries": head.count,
                "hash": head.link.hex(),
                "turnover": dict(sorted(head.turnover.items())),
                "findings": [{"fault": each.fault.value, "entry": each.number, "what": each.what} for each in findings],
            }
        )
    else:
        for line in lines_of(head, findings):
            out().print(line, markup=False)
    if findings:
        raise typer.Exit(WRONG_BOOKS)


@told
def reconcile(
    gateway: Annotated[str, typer.Option(help="Such as stripe.")],
    since: Annotated[datetime, typer.Option(help="From when, UTC.")],
    until: Annotated[datetime | None, typer.Option(help="Until when, UTC; now when not said.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="JSON Lines: id, kind, reference, key, currency, amount, fee (minor units), time."),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="The gateways' credentials, to ask the gateway itself.", envvar="USHER_GATEWAYS_FILE"),
    ] = None,
    correct: Annotated[
        bool, typer.Option("--correct", help="Book what the gateway has kept otherwise than was expected.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Every charge, refund and dispute that only one side has, or has otherwise. Exit code 4: there is one."""
    from usher_cli.ledger_books import credentials_of, lines_of_report, reconciled_gateway

    if (report is None) == (credentials is None):
        raise CommandFailure("say either --report FILE or --credentials FILE")
    start, end = since.replace(tzinfo=UTC), (until.replace(tzinfo=UTC) if until else datetime.now(UTC))
    lines = None if report is None else lines_of_report(report)
    keys = {} if credentials is None else credentials_of(gateway, credentials)
    found, corrected = asyncio.run(
        reconciled_gateway(stack_of(data), gateway, start, end, lines, keys, correct=correct)
    )
    if as_json:
        print_json(
            {
                "gateway": gateway,
                "since": start,
                "until": end,
                "corrected": corrected,
                "differences": [
                    {
                        "difference": each.difference.value,
                        "kind": each.kind,
                        "reference": each.reference,
                        "ours": each.ours,
                        "theirs": each.theirs,
                    }
                    for each in found
                ],
            }
        )
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("difference", "kind", "reference", "ours", "theirs"):
            table.add_column(heading)
        for each in found:
            table.add_row(each.difference.value, each.kind, each.reference, each.ours, each.theirs)
        out().print(table if found else "no differences")
        if corrected:
            out().print(f"{corrected} fees corrected")
    if found:
        raise typer.Exit(WRONG_BOOKS)
