"""A mail as bytes (RFC 5322, RFC 2045), written straight down: the standard library parses what it writes itself."""

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address

_PLAIN_ADDRESS = re.compile(r'[^\s"(),:;<>@\[\]\\\x00-\x1f\x7f]+@[^\s"(),:;<>@\[\]\\\x00-\x1f\x7f]+')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE = 76  # characters of base64 (RFC 2045, 6.8)
_SHORT = 66  # characters of a subject that fit into one line with its name


class NoAddress(ValueError):
    """A text is not the address of one mailbox."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """content_type: with parameters. filename: in ASCII, without quotes."""

    content_type: str
    filename: str
    content: bytes


def mail(
    headers: Sequence[tuple[str, str]], text: str, html: str, attachments: Sequence[Attachment], *, seed: str
) -> bytes:
    """Text and HTML as alternatives, attachments beside them; all in ASCII but for headers, lines ending in CRLF.

    seed: makes the boundaries, so that the mail composed again is the same. ValueError where a header has control
    characters, which would make headers of their own.
    """
    # No quoted-printable or base64 text has "=_" in it (RFC 2045, 6.7).
    stem = hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()
    content = _multipart("alternative", f"=_{stem}_a", [_text("plain", text), _text("html", html)])
    if attachments:
        content = _multipart("mixed", f"=_{stem}_m", [content, *(_attachment(each) for each in attachments)])
    head = b"".join(_header(name, value) for name, value in (*headers, ("MIME-Version", "1.0")))
    return head + content


def subject_of(text: str) -> str:
    """The value of a Subject header: as it is, or in encoded words (RFC 2047)."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text if len(text) <= _SHORT else Header(text, "us-ascii", header_name="Subject").encode(linesep="\r\n")
    return Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def mailbox_of(address: str) -> str:
    """The value of a To header with this one address; NoAddress."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        return str(Address(addr_spec=address))
    except (MessageError, ValueError, IndexError) as error:
        raise NoAddress from error


def _header(name: str, value: str) -> bytes:
    """A value may be folded (RFC 5322, 2.2.3)."""
    if _CONTROL.search(value.replace("\r\n ", " ")):
        raise ValueError(f"Header {name} has control characters.")
    return f"{name}: {value}\r\n".encode()


def _text(subtype: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    quoted = binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + quoted


def _attachment(attachment: Attachment) -> bytes:
    head = (
        f"Content-Type: {attachment.content_type}\r\n"
        f'Content-Disposition: attachment; filename="{attachment.filename}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    whole = binascii.b2a_base64(attachment.content, newline=False)
    lines = [whole[start : start + _LINE] for start in range(0, len(whole), _LINE)]
    return head.encode() + b"\r\n".join(lines) + b"\r\n"


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'
    inner = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return b"%s%s--%s--\r\n" % (head.encode(), inner, boundary.encode())
