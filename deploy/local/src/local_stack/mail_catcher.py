"""An SMTP server for one machine: accepts every message and keeps it as a file instead of sending it on."""

import argparse
import asyncio
import re
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path

from local_stack.mail_folder import keep

LOOPBACK, NAME = "127.0.0.1", "mail.usher.local"
MESSAGE_BYTES = 25 * 1024 * 1024
OFFERS = ("PIPELINING", f"SIZE {MESSAGE_BYTES}", "8BITMIME", "SMTPUTF8")
_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>", re.IGNORECASE)


async def converse(reader: StreamReader, writer: StreamWriter, folder: Path) -> None:
    """One session (RFC 5321), until it is over. A message is answered with 250 only once it is on disk.

    Written here because a general server takes a message apart line by line: 2.5 ms for one with a PDF.
    """
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with aclosing(_answers(reader, folder)) as answers:
            async for answer in answers:
                writer.write(answer.encode() + b"\r\n")
    writer.close()


async def _answers(reader: StreamReader, folder: Path) -> AsyncGenerator[str, None]:
    recipients: list[str] = []
    yield f"220 {NAME} ESMTP"
    while line := await reader.readline():
        verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        match verb.upper():
            case "EHLO":
                yield "\r\n".join(f"250-{each}" for each in (NAME, *OFFERS[:-1])) + f"\r\n250 {OFFERS[-1]}"
            case "HELO":
                yield f"250 {NAME}"
            case "MAIL" | "RSET":
                recipients = []
                yield "250 OK"
            case "RCPT":
                path = _PATH.match(rest)
                recipients += path.groups() if path else ()
                yield "250 OK" if path else "501 Whom?"
            case "DATA" if recipients:
                yield "354 End with a dot"
                fresh = keep(folder, await _message(reader), recipients, datetime.now(UTC).isoformat())
                yield "250 Kept" if fresh else "250 Kept before"
                recipients = []
            case "DATA":
                yield "503 For whom?"
            case "NOOP":
                yield "250 OK"
            case "QUIT":
                yield "221 Bye"
                return
            case _:
                yield "502 No"


async def _message(reader: StreamReader) -> bytes:
    """Up to the lone dot, without the dots that were added to others (4.5.2)."""
    whole = b"\r\n"
    while not whole.endswith(b"\r\n.\r\n"):
        whole += await reader.readuntil(b".\r\n")
    return whole[:-3].replace(b"\r\n..", b"\r\n.")[2:]


async def catch(port: int, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await asyncio.start_server(
        lambda reader, writer: converse(reader, writer, folder), LOOPBACK, port, limit=MESSAGE_BYTES
    )
    async with server:
        await stopped.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(catch(options.port, options.folder))


if __name__ == "__main__":
    main()
