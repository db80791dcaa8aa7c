import pytest

from gateway_config import PlaceholderMismatch, render_gateway


def test_every_placeholder_is_replaced_wherever_it_stands():
    assert render_gateway("a: @PORT@, b: @PORT@, c: '@HOST@'", {"PORT": "1", "HOST": "h"}) == "a: 1, b: 1, c: 'h'"


def test_a_placeholder_without_a_value_is_refused():
    with pytest.raises(PlaceholderMismatch, match="HOST"):
        render_gateway("@HOST@", {})


def test_a_value_without_a_placeholder_is_refused():
    with pytest.raises(PlaceholderMismatch, match="PORT"):
        render_gateway("@HOST@", {"HOST": "h", "PORT": "1"})


def test_a_value_cannot_add_lines():
    with pytest.raises(ValueError, match="HOST"):
        render_gateway("@HOST@", {"HOST": "h\nadmin: {}"})


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is():
    assert render_gateway("@A@ @B@", {"A": "@B@", "B": "b"}) == "@B@ b"
