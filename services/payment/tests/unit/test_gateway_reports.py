"""A gateway is asked for its own books with its adapter, if it has any."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import ModuleType

import pytest

from domain_kit.refusals import FailedPrecondition, NotFound
from payment_service.outbound.gateway_reports import reported_by

NOW = datetime(2027, 3, 1, tzinfo=UTC)


class Silent:
    """A gateway without reports."""


class Telling:
    async def entries(self, since: datetime, until: datetime) -> list[object]:
        return [(since, until)]


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("payment_service.outbound.gateways.madeup")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def opens(module: ModuleType, gateway: object) -> list[Mapping[str, str]]:
    given: list[Mapping[str, str]] = []

    @asynccontextmanager
    async def open_gateway(
        credentials: Mapping[str, str], *, timeout: float, webhook_url: str
    ) -> AsyncIterator[object]:
        given.append(credentials)
        yield gateway

    module.open_gateway = open_gateway
    return given


async def test_its_lines_of_that_time_are_told(adapter: ModuleType) -> None:
    given = opens(adapter, Telling())
    assert await reported_by("madeup", {"key": "k", "priority": "3"}, NOW, NOW) == [(NOW, NOW)]
    assert given == [{"key": "k"}]


async def test_one_without_reports_and_one_that_is_not_there_are_refused(adapter: ModuleType) -> None:
    opens(adapter, Silent())
    with pytest.raises(FailedPrecondition, match="GATEWAY_REPORTS_NOTHING"):
        await reported_by("madeup", {}, NOW, NOW)
    with pytest.raises(NotFound, match="GATEWAY_UNKNOWN"):
        await reported_by("nowhere", {}, NOW, NOW)
