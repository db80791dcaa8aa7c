"""What is told of gateways in their data files is whole, has sources, and is what our adapters do."""

import json
from importlib import import_module
from importlib.resources import files
from typing import Any

import pytest

from payment_service.outbound.capability_files import capabilities_of, read_capabilities
from payment_service.outbound.gateway_registry import KNOWN

OURS = ("bank_transfer", "door")
THEIRS = tuple(name for name in KNOWN if name not in OURS)
DATA = files("payment_service").joinpath("data/gateways")


def given(name: str = "stripe") -> dict[str, Any]:
    text: dict[str, Any] = json.loads(DATA.joinpath(f"{name}.json").read_text("utf-8"))
    return text


def adapter(name: str) -> Any:
    """The class that open_gateway gives."""
    module = import_module(f"payment_service.outbound.gateways.{name}")
    return next(each for each in vars(module).values() if getattr(each, "name", "") == name and isinstance(each, type))


def source_of(name: str) -> str:
    folder = files("payment_service").joinpath("outbound/gateways")
    return "".join(each.read_text("utf-8") for each in folder.iterdir() if each.name.startswith(name))


@pytest.mark.parametrize("name", KNOWN)
def test_a_file_says_for_editors_what_its_schema_is_and_loads(name: str) -> None:
    assert given(name)["$schema"] == "schema.json"
    assert capabilities_of(name).gateway == name


@pytest.mark.parametrize("name", THEIRS)
def test_what_it_says_of_our_adapter_is_what_the_adapter_does(name: str) -> None:
    can, does = capabilities_of(name), adapter(name)
    assert (can.capture_days > 0) == hasattr(does, "capture")
    assert can.disputes == ("disputed=" in source_of(name))
    assert can.saved_methods == hasattr(does, "save")
    assert not can.partial_captures or can.capture_days


@pytest.mark.parametrize("name", THEIRS)
def test_who_tells_of_no_disputes_says_why(name: str) -> None:
    assert ("no_disputes" in given(name)) == (not capabilities_of(name).disputes)


@pytest.mark.parametrize("name", THEIRS)
def test_every_gateway_says_what_is_on_its_books(name: str) -> None:
    assert hasattr(adapter(name), "entries")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("fees", "source"), "nowhere"),
        (("methods", "card", "source"), None),
        (("currency_rules", "USD", "source"), "hearsay"),
        (("partial_captures", "source"), ""),
        (("sources", "pricing", "url"), "http://stripe.com"),
        (("sources", "pricing", "read"), "lately"),
        (("disputes",), "yes"),
        (("no_disputes",), {"why": "None.", "source": "hearsay"}),
        (("surprise",), 1),
    ],
)
def test_a_figure_that_is_malformed_or_without_a_source_stops_the_start(path: tuple[str, ...], value: Any) -> None:
    told = given()
    place = told
    for each in path[:-1]:
        place = place[each]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r"stripe|isoformat"):
        read_capabilities("stripe", told)
