"""`python -m <service>` serves; `… prepare` and `… contract` bring its stores into shape around an upgrade, and end.

What operators do after trouble (chassis.operating, and what a service adds) is told the same way.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from chassis.chassis import NEEDS_NEWER_CODE
from chassis.operating import MISUSED, OPERATING, Command
from domain_kit.refusals import Refusal
from environment import ServiceSettings, SettingsError, read
from grpc_runtime import Service, run
from mongo_store import CodeTooOld, Database, OlderCodeRuns, Schema, open_database
from mongo_store.schema import contract, prepare
from telemetry import Metrics, configure_logging

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[S, Metrics], AbstractAsyncContextManager[Service]]
Beside = Callable[[S, Database], Awaitable[Sequence[str]]]

FAILED, OLDER_CODE_RUNS = 1, 4
COMMANDS = {
    "serve": "until SIGTERM",
    "prepare": "make indexes and expand, beside whatever runs; safe to repeat",
    "contract": "take away what only older code needs, which then is refused",
}

log = logging.getLogger(__name__)


def start(
    build: Build[S],
    schema: Schema,
    settings_type: type[S],
    *,
    beside: Beside[S] | None = None,
    commands: Sequence[Command] = (),
) -> None:
    """Do what the command line says with the settings of the environment; one line where that cannot be.

    beside: prepares what is not in MongoDB; what was done, a line each. commands: besides those of every service.
    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the database needs newer code, 4 older code still runs;
    of `commands` their own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {build.__module__.partition('.')[0]}")
    words = parser.add_subparsers(dest="command", help="serve, when nothing is said")
    for name, does in COMMANDS.items():
        words.add_parser(name, help=does, description=does)
    operating = {each.name: each for each in (*OPERATING, *commands)}
    for name, each in operating.items():
        each.takes(words.add_parser(name, help=each.does, description=each.does))
    given = parser.parse_args()
    command = given.command or "serve"
    try:
        settings = read(settings_type, os.environ)
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(MISUSED)
    if command == "serve":
        run(build, settings)
        return
    configure_logging(settings.service, settings.log_level)
    if command in operating:
        sys.exit(asyncio.run(_told(_operate(operating[command], settings, given))))
    sys.exit(asyncio.run(_told(_shape(command, settings, schema, beside))))


async def _operate(command: Command, settings: ServiceSettings, given: argparse.Namespace) -> int:
    """What it says goes to stdout, as it is."""
    async with open_database(
        settings.mongodb_uri, settings.database, application=f"usher-{settings.service}"
    ) as database:
        said = await command.run(settings, database, given)
    print("\n".join(said.lines), flush=True)  # noqa: T201  # a command
    return said.code


async def _shape(command: str, settings: S, schema: Schema, beside: Beside[S] | None) -> int:
    async with open_database(
        settings.mongodb_uri, settings.database, application=f"usher-{settings.service}"
    ) as database:
        if command == "contract":
            done = list(await contract(database, schema))
        else:
            done = list(await prepare(database, schema))
            done += await beside(settings, database) if beside else ()
    log.info("done", extra={"steps": done})
    return 0


async def _told(doing: Awaitable[int]) -> int:
    """The exit code; why something could not be done is one line in the log."""
    try:
        return await doing
    except CodeTooOld as refused:
        log.error(str(refused))  # noqa: TRY400  # nothing is wrong with this program
        return NEEDS_NEWER_CODE
    except OlderCodeRuns as refused:
        log.error(str(refused))  # noqa: TRY400  # nothing is wrong with this program
        return OLDER_CODE_RUNS
    except Refusal as refused:
        log.error("failed: %s", refused)  # noqa: TRY400  # a store that is away
        return FAILED
    except SettingsError as wrong:
        log.error(str(wrong))  # noqa: TRY400  # certificates of Kafka that cannot be used
        return MISUSED
