"""events: what consumers could not apply, trying it again, and publishing a service's event store once more."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from domain_kit.backbone import ParkedEvent
from usher_cli.options import Data, Json, stack_of, told
from usher_cli.output import out, print_json


def build() -> typer.Typer:
    """The commands under `usher events`."""
    commands = typer.Typer(help="Domain events: dead letters, redrive, replay.", no_args_is_help=True)
    commands.command("dead-letters")(dead_letters)
    commands.command("redrive")(redrive_dead)
    commands.command("replay")(replay_store)
    return commands


@told
def dead_letters(
    data: Data = None,
    waiting: Annotated[bool, typer.Option(help="Also those that wait for a predecessor or a projection.")] = False,
    as_json: Json = False,
) -> None:
    """List domain events that consumers could not apply."""
    from usher_cli.event_stores import parked_events  # drivers of database and broker load only where needed

    found = [each for each in asyncio.run(parked_events(stack_of(data))) if each.dead or waiting]
    if as_json:
        print_json([_as_document(each) for each in found])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("consumer", "id", "type", "subject", "version", "reason"):
        table.add_column(heading)
    for each in found:
        event = each.event
        table.add_row(each.consumer, event.id, event.type, event.subject, str(event.version), each.reason)
    out().print(table if found else "no dead letters")


@told
def redrive_dead(
    consumer: Annotated[str, typer.Argument(help="A consumer as `dead-letters` names it, such as search.bookings.")],
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of domain events; all when none is given.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a consumer try its dead domain events again; a running one does so within seconds."""
    from usher_cli.event_stores import revive

    count = asyncio.run(revive(stack_of(data), consumer, ids or ()))
    if as_json:
        print_json({"consumer": consumer, "redriven": count})
    else:
        out().print(f"{count} domain events of {consumer} will be tried again")


@told
def replay_store(
    service: Annotated[str, typer.Argument(help="Whose event store, such as booking.")],
    data: Data = None,
    subject: Annotated[str, typer.Option(help="Only aggregates whose name begins so.")] = "",
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only this type, a full name (repeatable).")] = None,
    reset: Annotated[
        list[str] | None, typer.Option(help="First make this consumer forget what it has applied (repeatable).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish a service's domain events again, oldest first; consumers skip what they have applied."""
    from usher_cli.event_stores import publish_again

    publishing = publish_again(stack_of(data), service, subject=subject, types=kind or (), reset=reset or ())
    count = asyncio.run(publishing)
    if as_json:
        print_json({"service": service, "published": count})
    else:
        out().print(f"{count} domain events of {service} published again")


def _as_document(each: ParkedEvent) -> dict[str, object]:
    return {
        "consumer": each.consumer,
        "id": each.event.id,
        "type": each.event.type,
        "subject": each.event.subject,
        "version": each.event.version,
        "time": each.event.time,
        "dead": each.dead,
        "attempts": each.attempts,
        "reason": each.reason,
        "parked_at": each.parked_at,
    }
