"""Letters share connections, and a connection that is gone costs no letter."""

import asyncio
from collections.abc import AsyncIterator

import aiosmtplib
import pytest

from notification_service.outbound import smtp_lines
from notification_service.outbound.smtp_lines import SmtpLines
from notification_service.outbound.smtp_talk import Mail


def letter(number: int, recipient: str = "ada@example.org") -> Mail:
    return Mail("u@usher.example", recipient, f"Subject: {number}\r\n\r\nHello\r\n".encode())


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
async def lines(mail_server, request) -> AsyncIterator[SmtpLines]:
    mail_server.pipelining = request.param
    lines = SmtpLines("127.0.0.1", mail_server.port)
    yield lines
    await lines.hang_up()


def subjects(mail_server) -> list[str]:
    return [str(message["Subject"]) for message in mail_server.messages]


async def test_letters_after_each_other_share_a_line_and_at_once_they_have_one_each(lines, mail_server) -> None:
    for number in range(5):
        await lines.send(letter(number))
    assert len(mail_server.lines) == 1
    await asyncio.gather(*(lines.send(letter(number)) for number in range(5, 8)))
    await asyncio.gather(*(lines.send(letter(number)) for number in range(8, 11)))
    assert len(mail_server.lines) == 3
    assert sorted(subjects(mail_server), key=int) == [str(number) for number in range(11)]


async def test_a_line_that_the_server_has_closed_meanwhile_is_replaced_at_once(lines, mail_server) -> None:
    await lines.send(letter(0))
    await mail_server.hang_up()
    await lines.send(letter(1))
    assert subjects(mail_server) == ["0", "1"]


async def test_a_server_that_ends_a_session_with_421_is_called_again(lines, mail_server) -> None:
    await lines.send(letter(0))
    mail_server.answers_to_mail = ["421 enough for now"]
    await lines.send(letter(1))
    assert (subjects(mail_server), len(mail_server.lines)) == (["0", "1"], 2)


async def test_after_so_many_letters_another_line_is_opened(lines, mail_server, monkeypatch) -> None:
    monkeypatch.setattr(smtp_lines, "LETTERS_A_LINE", 2)
    for number in range(5):
        await lines.send(letter(number))
    assert len(mail_server.lines) == 3


async def test_a_letter_that_is_refused_stands_in_no_other_ones_way(lines, mail_server) -> None:
    await lines.send(letter(0))
    mail_server.answers = ["554 no"]
    with pytest.raises(aiosmtplib.SMTPDataError):
        await lines.send(letter(1))
    await lines.send(letter(2))
    assert subjects(mail_server) == ["0", "2"]


async def test_hanging_up_leaves_no_line_open(lines, mail_server) -> None:
    await asyncio.gather(*(lines.send(letter(number)) for number in range(3)))
    await lines.hang_up()
    async with asyncio.timeout(10):
        while mail_server.open_lines:
            await asyncio.sleep(0)
    await lines.send(letter(3))
    assert len(mail_server.messages) == 4


async def test_an_address_beyond_ascii_is_sent_as_such(lines, mail_server) -> None:
    await lines.send(letter(0, "zoë@exämple.org"))
    assert len(mail_server.messages) == 1


async def test_what_is_refused_before_a_letter_is_no_word_on_the_letter(lines, mail_server) -> None:
    mail_server.answers_to_mail = ["550 not for you"]
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await lines.send(letter(0))
    await lines.send(letter(1))
    assert subjects(mail_server) == ["1"]


async def test_a_recipient_that_is_refused_is_told_with_the_code(lines, mail_server) -> None:
    mail_server.answers_to_rcpt = ["550 nobody here"]
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await lines.send(letter(0))
    assert (refused.value.code, mail_server.messages) == (550, [])
    await lines.send(letter(1))
    assert subjects(mail_server) == ["1"]


async def test_lines_with_a_dot_arrive_as_they_are(lines, mail_server) -> None:
    text = "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n"
    await lines.send(Mail("u@usher.example", "ada@example.org", text.encode()))
    assert mail_server.messages[0].get_content().splitlines() == [".", "..", ".a", "b."]


async def test_an_address_cannot_bring_commands_of_its_own(lines, mail_server) -> None:
    with pytest.raises(ValueError, match="control characters"):
        await lines.send(letter(0, "a@b.example>\r\nRSET\r\nMAIL FROM:<x@y.example"))
    assert mail_server.messages == []


async def test_a_session_that_ends_with_the_answer_before_a_letter_costs_no_letter(lines, mail_server) -> None:
    await lines.send(letter(0))
    mail_server.answers_to_mail = ["421 enough for now"]
    mail_server.hangs_up_after_421 = True
    await lines.send(letter(1))
    assert subjects(mail_server) == ["0", "1"]


async def test_a_server_that_hangs_up_in_the_middle_of_a_letter_leaves_nobody_waiting(lines, mail_server) -> None:
    mail_server.answers_to_rcpt = [mail_server.HANG_UP]
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await lines.send(letter(0))
    await lines.send(letter(1))
    assert subjects(mail_server) == ["1"]
