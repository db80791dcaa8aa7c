"""The data files keep their schema, and a wrong figure stops the program rather than reaching an invoice."""

import copy
import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compliance.files import FILES, read_place

DATA = files("compliance").joinpath("data")
SCHEMA = json.loads(DATA.joinpath("tax_rates.schema.json").read_text("utf-8"))
QUEBEC = json.loads(DATA.joinpath("canada.json").read_text("utf-8"))["places"]["CA-QC"]
DE = json.loads(DATA.joinpath("europe.json").read_text("utf-8"))["places"]["DE"]


def test_the_schema_is_itself_a_schema_and_every_data_file_is_read() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert {entry.name for entry in DATA.iterdir()} == {f"{name}.json" for name in (*FILES, "tax_rates.schema")}


@pytest.mark.parametrize("name", FILES)
def test_a_data_file_keeps_the_schema(name: str) -> None:
    document = json.loads(DATA.joinpath(f"{name}.json").read_text("utf-8"))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []


def wrong(entry: dict[str, Any], change: dict[str, str], *, index: int = 0) -> dict[str, Any]:
    changed = copy.deepcopy(entry)
    changed["taxes"][0]["classes"]["standard"][index] |= change
    return changed


@pytest.mark.parametrize(("change", "index"), [
    ({"percent": "-1"}, 0), ({"percent": "101"}, 0), ({"percent": "1.0001"}, 0), ({"percent": "nineteen"}, 0),
    ({"source": ""}, 0), ({"reason": "for no reason at all"}, 0), ({"percent": "0"}, 0), ({"from": "2020-02-30"}, 0),
    ({"from": "2020-07-01"}, 0), ({"from": "2021-06-01"}, 1), ({"until": "2020-07-01"}, 0),
    ({"until": "2020-12-31"}, 2),
])  # fmt: skip
def test_a_figure_that_cannot_be_right_is_not_loaded(change: dict[str, str], index: int) -> None:
    read_place("DE", DE)
    with pytest.raises((ValueError, ArithmeticError)):
        read_place("DE", wrong(DE, change, index=index))


def test_a_tax_that_leaves_out_a_class_of_its_neighbour_is_not_loaded() -> None:
    """INVARIANT: a missing figure is never taken for zero."""
    halved = copy.deepcopy(QUEBEC)
    del halved["taxes"][1]["classes"]["admission-cultural"]
    with pytest.raises(ValueError, match="same classes"):
        read_place("CA-QC", halved)
