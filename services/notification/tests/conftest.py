"""Letters, and a mail server that does what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain_kit.money import Money
from notification_service.domain.letter import Admission, Letter, Occasion
from notification_service.domain.people import Person
from notification_service.handlers import write_letters
from testkit.engines import mongo_engine

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


class FakeMailServer:
    """Keeps what it takes; `answers` are given before it takes anything again."""

    HANG_UP = "instead of an answer"

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answers: list[str] = []
        self.answers_to_mail: list[str] = []
        self.answers_to_rcpt: list[str] = []
        self.pipelining, self.hangs_up_after_421 = True, False
        self.lines: list[SMTP] = []
        self.port = 0

    def answer(self) -> SMTP:
        self.lines.append(SMTP(self, enable_SMTPUTF8=True))
        return self.lines[-1]

    @property
    def open_lines(self) -> int:
        return sum(line.transport is not None for line in self.lines)

    async def hang_up(self) -> None:
        for line in self.lines:
            if line.transport is not None:
                line.transport.close()
        while self.open_lines:
            await asyncio.sleep(0)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_mail:
            answer = self.answers_to_mail.pop(0)
            if self.hangs_up_after_421 and answer.startswith("421"):
                asyncio.get_running_loop().call_soon(server.transport.close)
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return ["250-PIPELINING", *responses] if self.pipelining else responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_rcpt:
            answer = self.answers_to_rcpt.pop(0)
            if answer == self.HANG_UP:
                server.transport.abort()
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
async def mail_server() -> AsyncIterator[FakeMailServer]:
    fake = FakeMailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(fake.answer, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture
def person() -> Person:
    return Person("users/" + "a" * 26, "ada@example.org", "Ada <b>", "en-CA")


@pytest.fixture
def occasion() -> Occasion:
    return Occasion(
        event="events/" + "e" * 26,
        title="PyCon & friends",
        start_time=datetime(2027, 6, 1, 13, tzinfo=UTC),
        end_time=datetime(2027, 6, 2, 21, tzinfo=UTC),
        time_zone="America/Toronto",
        place="Hall, Toronto, CA",
    )


@pytest.fixture
def tickets(person: Person, occasion: Occasion) -> Letter:
    return write_letters.booking_confirmed(
        person,
        occasion,
        f"{occasion.event}/bookings/{'b' * 26}",
        Money(3998, "CAD"),
        (Admission("CODE-1", "Standard"), Admission("CODE-2", "Standard")),
    )
