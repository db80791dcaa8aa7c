"""demo: starts the stack, loads sample events and runs the journey, showing each call and what came back."""

import asyncio
import json
import re
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from local_stack.stack import GATEWAY_PORT, Stack, default_folder
from usher_cli.api import Api, Exchange
from usher_cli.conferences import sample_events
from usher_cli.event_import import account_of_the_stack, import_events
from usher_cli.journey import STEPS, Journey
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import out, print_json
from usher_cli.progress import shown
from usher_cli.stack_commands import show_addresses

SHOWN_CHARACTERS = 220
FIRST = ("state", "failure", "message", "details", "hits", "totals", "importedCount")
"""What people want to see of an answer before the rest is cut off."""
_LONG_ID = re.compile(r"\b([0-9a-z]{4})[0-9a-z]{18}([0-9a-z]{4})\b")
_REQUEST_ID = re.compile(r"([?&])requestId=[0-9a-f]+(&?)")
SECRETS = {"password", "accessToken", "refreshToken", "token", "clientSecret"}


@told
def demo(
    data: Data = None,
    calls: Annotated[bool, typer.Option(help="Show the HTTP calls of each step.")] = True,
    as_json: Json = False,
) -> None:
    """Start everything, load sample events and run the main journey; the stack stays up."""
    stack = stack_of(data)
    preferred = {"gateway": GATEWAY_PORT} if stack.folder == default_folder() else {}
    with shown(quiet=as_json) as progress:
        state = asyncio.run(stack.up(preferred=preferred, progress=progress))
    transcript = Transcript(None if as_json else out(), calls=calls)
    with Api(stack.url(), heard=transcript.hear) as api:
        transcript.begin("Sample events: real conferences, moved ahead by whole weeks, are imported and published.")
        _load_samples(api, stack)
        journey = Journey(api, stack.mail())
        try:
            for step in STEPS:
                transcript.begin(step.__doc__ or step.__name__)
                step(journey)
        finally:
            transcript.flush()
    if as_json:
        print_json({"gateway": stack.url(), "steps": transcript.steps})
        return
    console = out()
    total = journey.sales["totals"][0]
    console.print(
        f"\n[bold green]It works:[/] {total['ticketsSold']} tickets sold, {total['ticketsCheckedIn']} checked in, "
        f"{total['gross'].get('units', '0')} {total['currencyCode']} gross. `usher mail list` shows the mails."
    )
    show_addresses(stack, state)


def _load_samples(api: Api, stack: Stack) -> None:
    marker = stack.folder / "samples_loaded"
    if marker.exists():
        return
    account, organizer = account_of_the_stack(api, stack.folder, stack.mail())
    answer = import_events(api, organizer, account.token, sample_events(), publish=True, bar=None)
    if answer.get("errors"):
        raise CommandFailure(f"the sample events were refused: {answer['errors'][0]}")
    marker.touch()


class Transcript:
    """Shows each step with its calls, and keeps them for --json."""

    def __init__(self, console: Console | None, *, calls: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self._console = console
        self._calls = calls
        self._asked: Exchange | None = None

    def begin(self, sentence: str) -> None:
        """A step starts."""
        self.flush()
        self.steps.append({"step": sentence, "calls": []})
        if self._console:
            self._console.print(f"\n[bold cyan]{len(self.steps):2}. {escape(sentence)}[/]")

    def hear(self, exchange: Exchange) -> None:
        """A call was answered; a question asked again until something has happened counts once, as last answered."""
        asked = self._asked
        if asked and exchange.method == "GET" and (asked.method, asked.path) == (exchange.method, exchange.path):
            self._asked = exchange
            return
        self.flush()
        self._asked = exchange

    def flush(self) -> None:
        """Show the call that was kept back in case it is repeated."""
        exchange, self._asked = self._asked, None
        if exchange is None:
            return
        answer = redacted(exchange.answer)
        call = {"method": exchange.method, "path": exchange.path, "status": exchange.status, "answer": answer}
        self.steps[-1]["calls"].append(call)
        if self._console and self._calls:
            colour = "green" if exchange.status < 400 else "yellow"
            self._console.print(
                f"    {exchange.method} {escape(_clipped(readable(exchange.path)))}  "
                f"[{colour}]{exchange.status}[/] [dim]{exchange.seconds * 1000:.0f} ms[/]"
            )
            self._console.print(f"       [dim]{escape(_clipped(readable(_compact(answer))))}[/]")


def redacted(answer: object) -> Any:
    """What may be shown of an answer: no secrets, no raw bytes."""
    if isinstance(answer, dict):
        return {key: "…" if key in SECRETS else redacted(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [redacted(value) for value in answer]
    if isinstance(answer, bytes):
        return f"{len(answer)} bytes"
    return answer


def readable(text: str) -> str:
    """Text for people: long ids are shortened, request ids left out."""
    return _LONG_ID.sub(r"\1…\2", _REQUEST_ID.sub(lambda found: found[1] if found[2] else "", text))


def _compact(answer: object) -> str:
    if isinstance(answer, dict):
        told = {key: value for key, value in answer.items() if value not in ("", 0, False, None, [], {})}
        answer = {key: told[key] for key in sorted(told, key=lambda key: key not in FIRST)}
    return json.dumps(answer, ensure_ascii=False)


def _clipped(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
