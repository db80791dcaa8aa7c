"""The correlation id follows the work, and a caller cannot smuggle anything in with it."""

import asyncio

import pytest

from telemetry import accepted_correlation_id, bind_correlation_id, correlation_id
from telemetry.traceparent import NO_TRACE, parse


async def test_tasks_inherit_it_and_neighbours_do_not_see_it():
    async def seen() -> str:
        await asyncio.sleep(0)
        return correlation_id()

    with bind_correlation_id("outer"):
        task = asyncio.create_task(seen())
        with bind_correlation_id("inner"):
            assert await seen() == "inner"
        assert correlation_id() == "outer"
    assert correlation_id() == ""
    assert await task == "outer"


@pytest.mark.parametrize("sent", ["", None, "a" * 129, "line\nbreak", "späß", "a b"])
def test_an_unfit_id_is_replaced(sent):
    assert accepted_correlation_id(sent) != sent
    assert len(accepted_correlation_id(sent)) == 26


def test_a_fit_id_is_kept():
    assert accepted_correlation_id("req-1:2.3_x") == "req-1:2.3_x"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "garbage",
    ],
)
def test_a_malformed_traceparent_is_ignored(header):
    assert parse(header) is NO_TRACE


def test_a_later_version_with_more_fields_is_understood():
    assert parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").span_id == "b7ad6b7169203331"
