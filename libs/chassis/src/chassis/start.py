"""`python -m <service>` serves; `… prepare` and `… contract` bring its stores into shape around an upgrade, and end."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from chassis.chassis import NEEDS_NEWER_CODE
from domain_kit.refusals import Refusal
from environment import ServiceSettings, SettingsError, read
from grpc_runtime import Service, run
from mongo_store import CodeTooOld, Database, OlderCodeRuns, Schema, open_database
from mongo_store.schema import contract, prepare
from telemetry import Metrics, configure_logging

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[S, Metrics], AbstractAsyncContextManager[Service]]
Beside = Callable[[S, Database], Awaitable[Sequence[str]]]

FAILED, MISUSED, OLDER_CODE_RUNS = 1, 2, 4
COMMANDS = {
    "serve": "until SIGTERM",
    "prepare": "make indexes and expand, beside whatever runs; safe to repeat",
    "contract": "take away what only older code needs, which then is refused",
}

log = logging.getLogger(__name__)


def start(
    build: Build[S], schema: Schema, settings_type: type[S], *, beside: Beside[S] | None = None
) -> None:  # fmt: skip
    """Do what the command line says with the settings of the environment; one line where that cannot be.

    beside: prepares what is not in MongoDB; what was done, a line each.
    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the database needs newer code, 4 older code still runs.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {build.__module__.partition('.')[0]}",
        description="; ".join(f"{name}: {does}" for name, does in COMMANDS.items()),
    )
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="serve")
    command = parser.parse_args().command
    try:
        settings = read(settings_type, os.environ)
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(MISUSED)
    if command == "serve":
        run(build, settings)
        return
    configure_logging(settings.service, settings.log_level)
    sys.exit(asyncio.run(_told(_shape(command, settings, schema, beside))))


async def _shape(command: str, settings: S, schema: Schema, beside: Beside[S] | None) -> Sequence[str]:
    async with open_database(
        settings.mongodb_uri, settings.database, application=f"usher-{settings.service}"
    ) as database:
        if command == "contract":
            return await contract(database, schema)
        done = list(await prepare(database, schema))
        return [*done, *(await beside(settings, database) if beside else ())]


async def _told(shaping: Awaitable[Sequence[str]]) -> int:
    """The exit code; what was done, or why not, is one line in the log."""
    try:
        done = await shaping
    except CodeTooOld as refused:
        log.error(str(refused))  # noqa: TRY400  # nothing is wrong with this program
        return NEEDS_NEWER_CODE
    except OlderCodeRuns as refused:
        log.error(str(refused))  # noqa: TRY400  # nothing is wrong with this program
        return OLDER_CODE_RUNS
    except Refusal as refused:
        log.error("failed: %s", refused)  # noqa: TRY400  # a store that is away
        return FAILED
    log.info("done", extra={"steps": list(done)})
    return 0
