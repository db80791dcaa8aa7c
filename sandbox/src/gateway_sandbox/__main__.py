"""`python -m gateway_sandbox`: serve until SIGTERM or SIGINT."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from gateway_sandbox.server import serving


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gateway_sandbox", description="A local server that speaks Stripe's HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps charges and credentials")
    parser.add_argument("--url", default="", help="where others reach it; none: at the host and port above")
    parser.add_argument(
        "--credentials", type=Path, help="JSON file, provider: credentials, of a merchant there is already"
    )
    parser.add_argument("--webhook-url", default="", help="where events are sent; none: they are only kept")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(
        arguments.data,
        webhook_url=arguments.webhook_url,
        host=arguments.host,
        port=arguments.port,
        url=arguments.url,
        given=json.loads(arguments.credentials.read_text("utf-8")) if arguments.credentials else None,
    ) as url:
        sys.stdout.write(f"card network sandbox at {url}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
