"""A real event service in process, on a real MongoDB wire, without a broker."""

from collections.abc import AsyncIterator, Iterator

import pytest

from domain_kit.ids import new_id
from event_service.composition import build
from event_service.settings import Settings
from telemetry import Metrics
from testkit.calls import Calls, calls_to
from testkit.engines import mongo_engine


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture
async def calls(mongodb: str) -> AsyncIterator[Calls]:
    settings = Settings(
        service=f"event_{new_id()[-8:]}", mongodb_uri=mongodb, kafka_brokers="127.0.0.1:1", page_token_key=b"0" * 32
    )
    async with build(settings, Metrics("event")) as service, calls_to(service) as calls:
        yield calls
