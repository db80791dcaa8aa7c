"""An address that is read quickly is the one that aiosmtpd reads."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from local_stack.mail_catcher import Catcher, Line

PLAIN = "<ada.lovelace+noida@mail.example.org>"
PARTS = st.sampled_from(
    ["ada", "o'hara", "a+b", ".", "..", "@", "<", ">", '"', " ", "\\", "(x)", "[::1]", "é", ",", ":"]
)

AFTER = st.sampled_from(["", " SIZE=12", " BODY=8BITMIME SIZE=1", "  A", " (A) B", " A ", "x"])


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with closing(asyncio.new_event_loop()) as loop:
        yield Line(Catcher(tmp_path), loop=loop)


def test_the_same_address_as_before_is_read(line: Line) -> None:
    @given(
        st.lists(PARTS, max_size=7).map("".join)
        | st.sampled_from(["ada@o'hara", "=?utf-8?q?ada?=@b", "a@=?utf-8?q?b?="]),
        AFTER,
    )
    def check(inside: str, after: str) -> None:
        for argument in (f"<{inside}>{after}", f"{inside}{after}"):
            assert told(line, argument) == told_before(line, argument)

    check()


def told(line: Line, argument: str) -> object:
    try:
        return line._getaddr(argument)
    except Exception as fault:  # whatever it is has to be the same
        return type(fault)


def told_before(line: Line, argument: str) -> object:
    try:
        return SMTP._getaddr(line, argument)
    except Exception as fault:  # as above
        return type(fault)


def test_a_plain_address_is_read_without_the_grammar(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SMTP, "_getaddr")
    assert line._getaddr(f"{PLAIN} SIZE=12") == (PLAIN[1:-1], "SIZE=12")
    assert line._getaddr(PLAIN) == (PLAIN[1:-1], "")
