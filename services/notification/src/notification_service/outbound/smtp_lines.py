"""Connections to the next mail server: each takes one letter at a time, and many after each other."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

import aiosmtplib

CONNECT_SECONDS = 10.0
QUIT_SECONDS = 1.0
LETTERS_A_LINE = 50  # servers end a session after some number of letters; this is below what is usual


@dataclass(frozen=True, slots=True)
class Mail:
    """A message and its envelope."""

    sender: str
    recipient: str
    content: bytes

    @property
    def international(self) -> bool:
        """Whether an address needs SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())


@dataclass(slots=True)
class _Line:
    client: aiosmtplib.SMTP
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
        line = await self._line_with(mail)
        try:
            encoding = "utf-8" if mail.international else "ascii"
            await line.client.rcpt(mail.recipient, encoding=encoding)
            await line.client.data(mail.content)
        except BaseException:
            line.client.close()
            raise
        line.letters += 1
        self._free.append(line)

    async def hang_up(self) -> None:
        """Close those that are free."""
        lines, self._free = self._free, []
        await asyncio.gather(*(_quit(line) for line in lines))

    async def _line_with(self, mail: Mail) -> _Line:
        """A line on which the server has been told who sends."""
        while self._free:
            line = self._free.pop()
            if line.letters >= LETTERS_A_LINE:
                await _quit(line)
                continue
            with suppress(aiosmtplib.SMTPException, OSError):
                await _begin(line, mail)
                return line
        line = _Line(
            aiosmtplib.SMTP(
                hostname=self._host,
                port=self._port,
                timeout=CONNECT_SECONDS,
                local_hostname=await self._name(),
            )
        )
        try:
            await line.client.connect()
            await _begin(line, mail)
        except aiosmtplib.SMTPResponseException as error:
            line.client.close()
            raise aiosmtplib.SMTPServerDisconnected(f"The server answered {error.code} before a letter.") from error
        return line

    async def _name(self) -> str:
        """What this machine is called, for EHLO; looked up once, since each lookup takes a thread."""
        if self._own_name is None:
            self._own_name = await asyncio.to_thread(socket.getfqdn)
        return self._own_name


async def _begin(line: _Line, mail: Mail) -> None:
    """MAIL; the line is closed where that is not answered with yes."""
    client = line.client
    try:
        options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
        if mail.international:
            if not client.supports_extension("smtputf8"):
                raise aiosmtplib.SMTPNotSupported("An address is not in ASCII, which this server does not take.")
            options.append("SMTPUTF8")
        await client.mail(mail.sender, options=options, encoding="utf-8" if mail.international else "ascii")
    except BaseException:
        client.close()
        raise


async def _quit(line: _Line) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await line.client.quit(timeout=QUIT_SECONDS)
    line.client.close()
