"""An SMTP server for one machine: accepts every message and keeps it as a file instead of sending it on."""

import argparse
import asyncio
import re
import signal
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from local_stack.mail_folder import keep

LOOPBACK = "127.0.0.1"
MESSAGE_BYTES = 25 * 1024 * 1024
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# RFC 5321: a Dot-string on both sides, and parameters that need no quotes.
_PLAIN = re.compile(rf"<((?:{_ATOM}\.)*{_ATOM}@(?:{_ATOM}\.)*{_ATOM})>(?: ([A-Z0-9=]+(?: [A-Z0-9=]+)*))?")


class Line(SMTP):
    """aiosmtpd's end of a connection. Nearly all addresses are plain, and it would read each of them with the standard
    library's grammar of all that RFC 5322 allows, a third of this process.
    """

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = _PLAIN.fullmatch(arg)
        if plain is None or "=?" in arg or self.local_part_limit:  # the grammar decodes encoded words
            address: tuple[str | None, str | None] = super()._getaddr(arg)
            return address
        return plain[1], plain[2] or ""


class Catcher:
    """The aiosmtpd handler; a message is answered with 250 only once it is on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the message."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        fresh = keep(self._folder, raw, list(envelope.rcpt_tos), datetime.now(UTC).isoformat())
        return "250 Kept" if fresh else "250 Kept before"


async def catch(port: int, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: Line(catcher, hostname="mail.usher.local", data_size_limit=MESSAGE_BYTES, enable_SMTPUTF8=True),
        LOOPBACK,
        port,
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
