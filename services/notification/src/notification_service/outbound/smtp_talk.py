"""One session with a mail server (RFC 5321) after the greeting: a letter after the other, in as few turns as it allows.

aiosmtplib connects, and says HELO and STARTTLS; what it takes to hand over a letter is a fifth of what a letter costs.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import aiosmtplib

LONGEST_LINE = 8192  # of an answer
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Answer = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Mail:
    """A message and its envelope. content: lines end in CRLF, the last one too, and no other CR or LF is in it."""

    sender: str
    recipient: str
    content: bytes

    @property
    def international(self) -> bool:
        """Whether an address needs SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())


class NotBegun(aiosmtplib.SMTPServerDisconnected):
    """The session ended, or this sender was refused, before the letter was handed over: another may take it."""


class Talk(asyncio.Protocol):
    """Takes over a transport on which nothing is under way. extensions: what the server offers, in lower case."""

    def __init__(self, transport: Any, extensions: frozenset[str]) -> None:
        self._transport, self._extensions = transport, extensions
        self._rest = b""
        self._answers: deque[Answer] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._trouble: Exception | None = None
        transport.set_protocol(self)

    async def hand_over(self, mail: Mail) -> None:
        """Return when the server took it; NotBegun, SMTPResponseException, SMTPServerDisconnected: close it then."""
        if self._trouble or self._answers:  # it said good-bye
            raise NotBegun("The session is over.")
        begin, to, data = self._commands(mail)
        together = "pipelining" in self._extensions  # RFC 2920
        self._write(begin, *((to, data) if together else ()))
        begun = await self._begun()
        if begun[0] != 250:
            raise NotBegun(f"The server answered {begun[0]} before a letter.")
        if not together:
            self._write(to)
        known = await self._answer()
        if known[0] not in (250, 251):
            raise aiosmtplib.SMTPResponseException(*known)
        if not together:
            self._write(data)
        awaited = await self._answer()
        if awaited[0] != 354:
            raise aiosmtplib.SMTPDataError(*awaited)
        self._write(mail.content.replace(b"\r\n.", b"\r\n.."), b".\r\n")
        taken = await self._answer()
        if taken[0] != 250:
            raise aiosmtplib.SMTPDataError(*taken)

    async def quit(self) -> None:
        """Say good-bye."""
        self._write(b"QUIT\r\n")
        await self._answer()

    def close(self) -> None:
        """At once."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Whole answers are put by; of one with several lines the last counts."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not line[:3].isdigit():
                self._over(aiosmtplib.SMTPServerDisconnected("The server does not speak SMTP."))
            elif line[3:4] != b"-":
                self._answers.append((int(line[:3]), line[4:].strip().decode("utf-8", "replace")))
        if len(self._rest) > LONGEST_LINE:
            self._over(aiosmtplib.SMTPServerDisconnected("An answer has no end."))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer hears of it."""
        trouble = aiosmtplib.SMTPServerDisconnected("Connection lost")
        trouble.__cause__ = exc
        self._over(trouble)

    def _commands(self, mail: Mail) -> tuple[bytes, bytes, bytes]:
        options = f" SIZE={len(mail.content)}" if "size" in self._extensions else ""
        if mail.international:
            if "smtputf8" not in self._extensions:
                raise aiosmtplib.SMTPNotSupported("An address is not in ASCII, which this server does not take.")
            options += " SMTPUTF8"
        if _CONTROL.search(mail.sender + mail.recipient):
            raise ValueError("An address has control characters.")
        begin, to = f"MAIL FROM:<{mail.sender}>{options}\r\n", f"RCPT TO:<{mail.recipient}>\r\n"
        return begin.encode(), to.encode(), b"DATA\r\n"

    async def _begun(self) -> Answer:
        try:
            return await self._answer()
        except aiosmtplib.SMTPServerDisconnected as over:
            raise NotBegun("The session is over.") from over

    async def _answer(self) -> Answer:
        """The next one, however long it takes."""
        while not self._answers:
            if self._trouble is not None:
                raise self._trouble
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._answers.popleft()

    def _write(self, *parts: bytes) -> None:
        self._transport.write(b"".join(parts))

    def _over(self, trouble: Exception) -> None:
        self._trouble = self._trouble or trouble
        self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
