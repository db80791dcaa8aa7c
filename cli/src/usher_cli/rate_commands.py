"""rates: the currencies that an event offers beside its own, and at what rates."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from usher_cli.api import Api, Document, fresh_id
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import out, print_json

Event = Annotated[str, typer.Argument(metavar="EVENT", help="`events/…`")]
Token = Annotated[str, typer.Option(envvar="USHER_TOKEN", help="Access token of somebody who may change the event.")]


def build() -> typer.Typer:
    """The commands under `usher rates`."""
    commands = typer.Typer(help="Currencies that an event offers beside its own.", no_args_is_help=True)
    commands.command("list")(list_rates)
    commands.command("set")(set_rates)
    return commands


@told
def list_rates(event: Event, data: Data = None, token: Token = "", as_json: Json = False) -> None:
    """Show the rates that bookings made now would be held with."""
    with Api(stack_of(data).url()) as api:
        _tell(api.get(f"/v1/{event}", token=token), as_json=as_json)


@told
def set_rates(
    event: Event,
    rates: Annotated[list[str], typer.Argument(metavar="CODE=RATE…", help="Such as JPY=163.25; `JPY=` takes it back.")],
    data: Data = None,
    token: Token = "",
    source: Annotated[str, typer.Option(help="Who says so, such as `ECB euro reference rates`.")] = "set by hand",
    as_of: Annotated[str, typer.Option(help="As of when, RFC 3339; default: now.")] = "",
    own: Annotated[str, typer.Option(help="The event's own currency; needed where it has not said one.")] = "",
    as_json: Json = False,
) -> None:
    """Set rates, also during the sale; the others stay. Bookings that were made keep the rate they were held with."""
    wanted = dict(_parsed(each) for each in rates)
    time = as_of or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with Api(stack_of(data).url()) as api:
        present: Document = api.get(f"/v1/{event}", token=token)
        kept = [each for each in present["offeredCurrencies"] if each["currencyCode"] not in wanted]
        new = [
            {"currencyCode": code, "rate": rate, "rateTime": time, "rateSource": source}
            for code, rate in wanted.items()
            if rate
        ]
        body = {"etag": present["etag"], "offeredCurrencies": [*kept, *new]}
        mask = "offeredCurrencies"
        if own:
            body["currencyCode"], mask = own, "currencyCode,offeredCurrencies"
        query = {"updateMask": mask, "requestId": fresh_id()}
        _tell(api.patch(f"/v1/{event}", body, token=token, query=query), as_json=as_json)


def _parsed(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Z]{3})=([0-9.]*)", text)
    if not found:
        raise CommandFailure(f"{text!r} is no CODE=RATE, such as JPY=163.25")
    return found[1], found[2]


def _tell(event: Document, *, as_json: bool) -> None:
    own, offered = event["currencyCode"], event["offeredCurrencies"]
    if as_json:
        print_json({"event": event["name"], "currency": own, "offered": offered})
        return
    table = Table(box=None, pad_edge=False)
    for heading in (f"one {own or '?'} is", "as of", "by"):
        table.add_column(heading)
    for each in offered:
        table.add_row(f"{each['rate']} {each['currencyCode']}", each["rateTime"], each["rateSource"])
    out().print(table if offered else f"{event['name']} offers no other currency")
