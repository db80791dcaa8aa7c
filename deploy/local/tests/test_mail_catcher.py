"""A mail server that keeps what it is handed, byte for byte."""

import asyncio
import smtplib
from collections.abc import AsyncIterator

import pytest

from local_stack.mail_catcher import MESSAGE_BYTES, converse
from local_stack.mail_folder import caught

HEAD = "Message-ID: <%s@usher>\r\nSubject: Hi\r\n\r\n"


@pytest.fixture
async def port(tmp_path) -> AsyncIterator[int]:
    server = await asyncio.start_server(
        lambda reader, writer: converse(reader, writer, tmp_path), "127.0.0.1", 0, limit=MESSAGE_BYTES
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, text: bytes) -> list[str]:
    """What it answers when it is told all of this at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    answers = (await asyncio.wait_for(reader.read(), 10)).decode().splitlines()
    writer.close()
    return [answer[:4].strip() for answer in answers]


async def test_messages_of_a_client_of_the_standard_library_are_kept_as_they_are(port, tmp_path):
    bodies = ["Hello\r\n", ".\r\n..\r\n.x\r\n", "ends with a dot.\r\n", "y" * 200_000 + "\r\n"]

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            for number, body in enumerate(bodies):
                client.sendmail("a@example.org", ["b@example.org", "c@example.org"], HEAD % number + body)

    await asyncio.to_thread(send)
    kept = caught(tmp_path)
    assert [(HEAD % number + body).encode() for number, body in enumerate(bodies)] == [
        mail.path.read_bytes() for mail in sorted(kept, key=lambda mail: mail.message_id)
    ]


async def test_commands_sent_together_are_answered_one_by_one(port, tmp_path):
    text = b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<z\xc3\xa9@d> X\r\nDATA\r\n"
    text += b"Message-ID: <1@u>\r\n\r\n.\r\nNOOP\r\nQUIT\r\n"
    assert await said(port, text) == ["220", *["250-"] * 4, "250", "250", "250", "354", "250", "250", "221"]
    assert caught(tmp_path)[0].deliveries == 1


async def test_a_message_for_nobody_and_what_it_does_not_know_are_refused(port, tmp_path):
    text = b"HELO x\r\nDATA\r\nRCPT TO: nobody\r\nVRFY a\r\n\r\nRCPT TO:<a@b>\r\nRSET\r\nDATA\r\nQUIT\r\n"
    assert await said(port, text) == ["220", "250", "503", "501", "502", "502", "250", "250", "503", "221"]
    assert caught(tmp_path) == []


async def test_who_hangs_up_in_the_middle_leaves_nothing(port, tmp_path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nMessage-ID: <1@u>\r\n\r\nhalf")
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert caught(tmp_path) == []
