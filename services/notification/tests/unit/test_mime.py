"""A mail written straight down is read back by the standard library as what it was made of."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notification_service.outbound.mime import Attachment, NoAddress, mail, mailbox_of, subject_of

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
LINES = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200), max_size=8)
SUBJECTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=300)
CONTENTS = st.lists(st.binary(max_size=300), max_size=3)


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)  # type: ignore[arg-type]


def parts_of(content: bytes) -> tuple[str, str, list[bytes]]:
    message = read(content)
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    return text, html, [part.get_content() for part in message.iter_attachments()]


@given(LINES, LINES, CONTENTS)
@example(["."], ["=_x", " ", "a" * 99 + " "], [b""])
@example(["From me", "--", "..", "\t"], ["é" * 80], [b"\r\n.\r\n"])
def test_what_is_put_in_comes_out(text: list[str], html: list[str], contents: list[bytes]) -> None:
    attachments = [Attachment("image/png", f"{number}.png", each) for number, each in enumerate(contents)]
    content = mail([("To", "a@b")], "\n".join(text), "\r\n".join(html), attachments, seed="s")
    found_text, found_html, found = parts_of(content)
    assert found_text.replace("\r\n", "\n") == "\n".join(text)
    assert found_html.replace("\r\n", "\n") == "\n".join(html)
    assert found == contents
    lines = content.split(b"\r\n")
    assert content.isascii()
    assert all(len(line) <= 78 and b"\n" not in line and b"\r" not in line for line in lines)
    assert mail([("To", "a@b")], "\n".join(text), "\r\n".join(html), attachments, seed="s") == content


@given(ANY, ANY)
def test_no_text_makes_a_part_or_a_header_of_its_own(text: str, html: str) -> None:
    message = read(mail([("To", "a@b")], text, html, [], seed="s"))
    assert message.keys() == ["To", "MIME-Version", "Content-Type"]
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@given(SUBJECTS)
@example("=?utf-8?q?not_encoded?=")
@example("word " * 60)
@example("x" * 300)
def test_a_subject_is_read_as_it_was(subject: str) -> None:
    plain = " ".join(subject.split())
    content = mail([("Subject", subject_of(plain)), ("To", "a@b")], "t", "h", [], seed="s")
    assert " ".join(str(read(content)["Subject"]).split()) == plain
    assert read(content)["To"] == "a@b"
    assert content.isascii()


@pytest.mark.parametrize("name", ["Subject", "To", "Message-ID"])
@pytest.mark.parametrize("sly", ["a\r\nBcc: x@example.org", "a\nBcc: x@example.org", "a\rb", "a\x00b"])
def test_line_breaks_in_a_header_are_refused(name: str, sly: str) -> None:
    with pytest.raises(ValueError, match=name):
        mail([(name, sly)], "t", "h", [], seed="s")


@pytest.mark.parametrize("address", ["ada@example.org", '"a b"@example.org', "zoë@exämple.org", "o'neil+x@example.org"])
def test_an_address_stays_one(address: str) -> None:
    found = read(mail([("To", mailbox_of(address))], "t", "h", [], seed="s"))["To"].addresses
    assert [each.addr_spec.encode("ascii", "surrogateescape").decode() for each in found] == [address]


@pytest.mark.parametrize("address", ["a@b, c@d", "a@b\r\nBcc: x@y", "nobody", "", "Ada <a@b>"])
def test_what_is_no_address_or_more_than_one_is_refused(address: str) -> None:
    with pytest.raises(NoAddress):
        mailbox_of(address)
