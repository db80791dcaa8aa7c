"""Keys, values and copies are what WiredTiger's own module and Python make of them."""

import copy
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiredtiger.packing import pack, unpack

from local_stack.embedded_packing import STRINGS, copied, quick_pack, quick_unpack

PARTS: dict[str, st.SearchStrategy[Any]] = {
    "S": st.text(st.characters(codec="utf-8"), max_size=12),
    "u": st.binary(max_size=20),
    "q": st.integers(-(2**63), 2**63 - 1),
}
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4)
    | st.sampled_from([datetime(2027, 1, 1, tzinfo=UTC), bson.ObjectId(), bson.Decimal128("1.5"), bson.Regex("a")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)  # fmt: skip


def refuse(fmt: str, *_: object) -> Any:
    raise AssertionError(f"{fmt} was left to the library")


@given(st.data())
def test_a_key_is_packed_and_read_as_the_library_does(data: st.DataObject) -> None:
    fmt = data.draw(st.sampled_from([*STRINGS, "SSSi", "Sq"]))
    values = [data.draw(PARTS.get(kind, PARTS["q"])) for kind in fmt]
    stored = pack(fmt, *values)
    assert quick_pack(pack)(fmt, *values) == stored
    assert quick_unpack(unpack)(fmt, stored) == unpack(fmt, stored)


@pytest.mark.parametrize("values", [("a", "b"), ("a", "b", 1, 2)])
def test_too_few_and_too_many_values_are_left_to_the_library(values: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError, match="left to the library"):
        quick_pack(refuse)("SSq", *values)


def test_what_every_statement_packs_needs_no_library() -> None:
    assert quick_pack(refuse)("SSq", "db", "things", 70) == pack("SSq", "db", "things", 70)
    assert quick_unpack(refuse)("SSSu", b"db\0things\0by_n\0\x01\x00") == ["db", "things", "by_n", b"\x01\x00"]


@given(DOCUMENTS)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(document: Any) -> None:
    before = copy.deepcopy(document)
    taken = copied(document)
    assert taken == document
    spoil(taken)
    assert document == before


def spoil(value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            spoil(each)
        value.append("spoilt")
    elif isinstance(value, dict):
        for each in value.values():
            spoil(each)
        value["spoilt"] = True
