"""mail: what the local catcher holds instead of sending it on."""

from typing import Annotated

import typer
from rich.table import Table

from local_stack.mail_folder import CaughtMail, caught
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import out, print_json


def build() -> typer.Typer:
    """The commands under `usher mail`."""
    commands = typer.Typer(help="Messages the local mail catcher holds.", no_args_is_help=True)
    commands.command("list")(list_messages)
    commands.command("show")(show_message)
    return commands


@told
def list_messages(data: Data = None, as_json: Json = False) -> None:
    """List all messages, the oldest first."""
    messages = caught(stack_of(data).mail())
    if as_json:
        print_json([_as_document(message) for message in messages])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "date", "to", "subject", "attached"):
        table.add_column(heading)
    for message in messages:
        repeats = f" (delivered {message.deliveries} times)" if message.deliveries > 1 else ""
        table.add_row(
            message.id,
            message.date,
            ", ".join(message.recipients),
            message.subject + repeats,
            ", ".join(message.attachments),
        )
    out().print(table if messages else "no messages")


@told
def show_message(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="An id from `usher mail list`, or its beginning.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print one message."""
    found = [message for message in caught(stack_of(data).mail()) if message.id.startswith(message_id)]
    if len(found) != 1:
        raise CommandFailure(f"{len(found)} messages begin with {message_id}: see `usher mail list`")
    message = found[0]
    if as_json:
        print_json({**_as_document(message), "text": message.text, "html": message.html})
        return
    console = out()
    for name, value in [
        ("From", message.sender),
        ("To", ", ".join(message.recipients)),
        ("Date", message.date),
        ("Subject", message.subject),
        ("Attached", ", ".join(message.attachments)),
        ("File", str(message.path)),
    ]:
        console.print(f"[bold]{name}:[/] ", end="")
        console.print(value, markup=False)
    console.print()
    console.print(message.text or message.html, markup=False)


def _as_document(message: CaughtMail) -> dict[str, object]:
    return {
        "id": message.id,
        "message_id": message.message_id,
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.subject,
        "date": message.date,
        "attachments": list(message.attachments),
        "deliveries": message.deliveries,
        "file": str(message.path),
    }
