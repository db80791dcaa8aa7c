"""import events FILE: many events in one call, all or none, with a bar that shows how far it is."""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from usher_cli.accounts import Account, register, sign_in
from usher_cli.api import Api, Document, fresh_id
from usher_cli.conferences import event_of, is_conference
from usher_cli.gazetteer import Gazetteer
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import complain, out, print_json


def read_lines(text: str) -> list[dict[str, Any]]:
    """The events of a file of JSON Lines: import lines as they are, lines of a conference list turned into such.

    Raises CommandFailure that names every line that is neither.
    """
    gazetteer: Gazetteer | None = None
    events: list[dict[str, Any]] = []
    wrong: list[str] = []
    today = datetime.now(UTC).date()
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            if not isinstance(line, dict):
                raise TypeError("not a JSON object")
            if is_conference(line):
                gazetteer = gazetteer or Gazetteer.load()
                line = event_of(line, gazetteer, today)
            events.append(line)
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"line {number}: {type(error).__name__}: {error}")
    if wrong:
        raise CommandFailure(f"{len(wrong)} lines cannot be read, nothing was imported\n" + "\n".join(wrong[:100]))
    return events


def import_events(
    api: Api, organizer: str, token: str, events: Iterable[Mapping[str, Any]], *, publish: bool, bar: Progress | None
) -> Document:
    """Send the events in one call; the last answer of the service, with `errors` when it refused."""
    lines = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events]
    body = {"jsonLines": "\n".join(lines), "publish": publish, "requestId": fresh_id()}
    task = bar.add_task("checking", total=len(lines)) if bar else None
    last: Document = {}
    for last in api.stream(f"/v1/{organizer}/events:import", body, token=token):
        if bar is not None and task is not None:
            text = "checking" if not last["done"] else "refused" if last.get("errors") else "imported"
            bar.update(task, completed=max(last["checkedCount"], last["importedCount"]), description=text)
    if not last.get("done"):
        raise CommandFailure("the import ended before the service was done; nothing is known of its outcome")
    return last


def account_of_the_stack(api: Api, folder: Path, mail: Path) -> tuple[Account, str]:
    """The account this command uses on a local stack, and its organizer; made on first use."""
    path = folder / "cli_account.json"
    if path.exists():
        known = json.loads(path.read_text())
        return sign_in(api, email=known["email"], password=known["password"]), known["organizer"]
    known = {"email": f"calendar.{secrets.token_hex(4)}@example.org", "password": secrets.token_urlsafe(24)}
    account = register(api, mail, email=known["email"], password=known["password"], display_name="Calendar")
    body = {"displayName": "Conference calendar", "timeZone": "UTC", "countryCode": "US"}
    answer = api.post("/v1/organizers", body, token=account.token, query={"requestId": fresh_id()})
    account.refresh(api)
    path.touch(mode=0o600)
    path.write_text(json.dumps({**known, "organizer": answer["name"]}))
    return account, str(answer["name"])


@told
def events_command(
    file: Annotated[
        Path, typer.Argument(help="JSON Lines: import lines, or a conference list.", exists=True, dir_okay=False)
    ],
    data: Data = None,
    organizer: Annotated[str, typer.Option(help="Whose events they are; default: one made for this stack.")] = "",
    token: Annotated[str, typer.Option(envvar="USHER_TOKEN", help="Access token for --organizer.")] = "",
    publish: Annotated[bool, typer.Option(help="Publish them too.")] = True,
    as_json: Json = False,
) -> None:
    """Import events from a file, all or none."""
    if bool(organizer) != bool(token):
        raise CommandFailure("--organizer and --token go together")
    stack = stack_of(data)
    events = read_lines(file.read_text())
    with Api(stack.url()) as api:
        if not organizer:
            account, organizer = account_of_the_stack(api, stack.folder, stack.mail())
            token = account.token
        with _bar(quiet=as_json) as bar:
            answer = import_events(api, organizer, token, events, publish=publish, bar=bar)
    if as_json:
        print_json({"imported": answer["importedCount"], "organizer": organizer, "errors": answer.get("errors", [])})
    elif answer.get("errors"):
        shown = [
            ": ".join(part for part in (f"line {each['line']}", each["field"], each["description"]) if part)
            for each in answer["errors"]
        ]
        complain("nothing was imported\n" + "\n".join(shown))
    else:
        out().print(f"{answer['importedCount']} events imported for {organizer}")
    if answer.get("errors"):
        raise typer.Exit(1)


def _bar(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=out(), disable=quiet)


def build() -> typer.Typer:
    """The commands under `usher import`."""
    commands = typer.Typer(help="Bring data in.", no_args_is_help=True)
    commands.command("events")(events_command)
    return commands
