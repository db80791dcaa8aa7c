"""Connections to the next mail server: each takes one letter at a time, and many after each other."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

import aiosmtplib

from notification_service.outbound.smtp_talk import Mail, NotBegun, Talk

CONNECT_SECONDS = 10.0
QUIT_SECONDS = 1.0
EXTENSIONS = ("size", "smtputf8", "pipelining")  # that we know how to use
LETTERS_A_LINE = 50  # servers end a session after some number of letters; this is below what is usual


@dataclass(slots=True)
class _Line:
    talk: Talk
    letters: int = 0


class SmtpLines:
    """Opened when a letter needs one, kept until `hang_up`; as many at once as letters are sent at once."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._free: list[_Line] = []
        self._own_name: str | None = None

    async def send(self, mail: Mail) -> None:
        """Return when the server took it. What aiosmtplib raises, and OSError; the line is given up then.

        SMTPResponseException: what the server says of this letter. Where it does not want to talk to us at all, or not
        for this sender, which another letter would hear too, that is SMTPServerDisconnected.

        A server may have closed a line that was free: that shows before it is handed anything, and another is opened.
        """
        while self._free:
            line = self._free.pop()
            if line.letters >= LETTERS_A_LINE:
                await _quit(line)
                continue
            with suppress(NotBegun):
                await self._hand_over(line, mail)
                return
        await self._hand_over(await self._open(), mail)

    async def _hand_over(self, line: _Line, mail: Mail) -> None:
        try:
            await line.talk.hand_over(mail)
        except BaseException:
            line.talk.close()
            raise
        line.letters += 1
        self._free.append(line)

    async def hang_up(self) -> None:
        """Close those that are free."""
        lines, self._free = self._free, []
        await asyncio.gather(*(_quit(line) for line in lines))

    async def _open(self) -> _Line:
        """A line to a server that has told us what it offers."""
        client = aiosmtplib.SMTP(
            hostname=self._host, port=self._port, timeout=CONNECT_SECONDS, local_hostname=await self._name()
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:  # once more, now that nobody listens
                await client.ehlo()
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise aiosmtplib.SMTPServerDisconnected(f"The server answered {error.code} before a letter.") from error
        except BaseException:
            client.close()
            raise
        return _Line(Talk(client.transport, frozenset(name for name in EXTENSIONS if client.supports_extension(name))))

    async def _name(self) -> str:
        """What this machine is called, for EHLO; looked up once, since each lookup takes a thread."""
        if self._own_name is None:
            self._own_name = await asyncio.to_thread(socket.getfqdn)
        return self._own_name


async def _quit(line: _Line) -> None:
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(QUIT_SECONDS):
            await line.talk.quit()
    line.talk.close()
