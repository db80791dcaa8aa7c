"""Keys that are made quickly are those that SecantusDB and WiredTiger make."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from bson import Code
from hypothesis import given
from hypothesis import strategies as st
from secantus import sortkey, storage

from local_stack.quick_keys import make_keys_quickly, packs_quickly, unpacks_quickly

BINDING: Any = sys.modules[storage.wt.Cursor.__module__]
PACK, UNPACK = BINDING.pack, BINDING.unpack
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
BLOB = st.binary(max_size=80)
NUMBER = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 70),
    st.integers(8200, 8300),
    st.integers(0, 6).map(lambda size: (1 << 8 * size) + 8256),
)
ROWS = {
    "u": (BLOB,),
    "q": (NUMBER,),
    "SS": (TEXT, TEXT),
    "SSS": (TEXT, TEXT, TEXT),
    "SSu": (TEXT, TEXT, BLOB),
    "SSq": (TEXT, TEXT, NUMBER),
    "SSSu": (TEXT, TEXT, TEXT, BLOB),
}


def never(layout: str, *_values: Any) -> bytes:
    raise LookupError(layout)


@pytest.mark.parametrize("layout", ROWS)
def test_packed_as_the_binding_packs(layout: str) -> None:
    @given(st.tuples(*ROWS[layout]))
    def check(values: tuple[Any, ...]) -> None:
        assert packs_quickly(PACK)(layout, *values) == PACK(layout, *values)

    check()


@pytest.mark.parametrize("layout", ["u", "q"])
def test_unpacked_as_the_binding_unpacks(layout: str) -> None:
    @given(ROWS[layout][0].map(lambda value: PACK(layout, value)))
    def check(packed: bytes) -> None:
        assert unpacks_quickly(UNPACK)(layout, packed) == UNPACK(layout, packed)

    check()


@pytest.mark.parametrize("number", [0, 63, 64, 8255, 8257 + 256, 1 << 40])
def test_what_is_stored_most_is_read_without_the_binding(number: int) -> None:
    assert unpacks_quickly(never)("q", PACK("q", number)) == [number]
    assert unpacks_quickly(never)("u", b"what is stored") == [b"what is stored"]


@pytest.mark.parametrize("packed", [b"", None, b"\xe1", b"\xe1\x00\x00", b"\x7f"])
def test_what_is_no_such_number_is_left_to_the_binding(packed: Any) -> None:
    with pytest.raises(LookupError):
        unpacks_quickly(never)("q", packed)


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        *(("SSq", ("a", "b", number)) for number in (0, 63, 64, 8255, 8256, 9000)),
        *(("SSu", ("a", "b", b"c")), ("q", (1 << 40,)), ("u", (b"",)), ("SS", ("a", "b")), ("SSS", ("a", "b", "c"))),
    ],
)
def test_what_is_stored_most_is_made_without_the_binding(layout: str, values: tuple[Any, ...]) -> None:
    assert packs_quickly(never)(layout, *values) == PACK(layout, *values)


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        ("SSSu", ("a", "b", b"c")),
        ("SSq", ("a", "b", -1)),
        ("u", ("text",)),
        ("SSq", ("a", "b", True)),
        ("S", ("a",)),
        ("SSu", (Code("a"), "b", b"c")),
    ],
)
def test_whatever_else_there_is_the_binding_is_asked(layout: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(LookupError):
        packs_quickly(never)(layout, *values)


def test_taught_are_the_cursors_that_the_storage_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BINDING, "pack", PACK)
    monkeypatch.setattr(BINDING, "unpack", UNPACK)
    monkeypatch.setattr(sortkey, "invert_bytes", sortkey.invert_bytes)
    turns = sortkey.invert_bytes
    make_keys_quickly(storage.wt.Cursor, sortkey)
    assert storage.wt.Cursor.set_key.__globals__["pack"] is not PACK
    assert storage.wt.Cursor.get_value.__globals__["unpack"] is not UNPACK
    every_byte = bytes(range(256))
    assert sortkey.invert_bytes(every_byte) == turns(every_byte)
    assert sortkey.invert_bytes(b"") == b""


def test_another_version_of_it_is_refused() -> None:
    with pytest.raises(AttributeError):
        make_keys_quickly(storage.wt.Cursor, SimpleNamespace())
