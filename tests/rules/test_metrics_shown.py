"""A service that was put together shows what it declares, and nothing else."""

from importlib import import_module
from typing import Any

import pytest

from environment import read
from local_stack.platform_processes import SERVICES
from telemetry import Metrics
from testkit.engines import mongo_engine


@pytest.fixture(scope="module")
def mongo_uri():
    with mongo_engine() as uri:
        yield uri


def settings_of(service: str, uri: str, folder: Any) -> Any:
    """As the process reads them; Kafka, Elasticsearch and SMTP are away."""
    values = {
        "USHER_MONGODB_URI": uri,
        "USHER_KAFKA_BROKERS": "127.0.0.1:1",
        "USHER_PAGE_TOKEN_KEY": "0123456789abcdef",
        "USHER_ELASTICSEARCH_URL": "http://127.0.0.1:1",
        "USHER_BOOKING_TARGET": "127.0.0.1:1",
        "USHER_PAYMENT_TARGET": "127.0.0.1:1",
        "USHER_SMTP_HOST": "127.0.0.1",
        "USHER_SMTP_PORT": "1",
        "USHER_MAIL_FROM": "Usher <tickets@usher.example>",
        "USHER_PUBLIC_URL": "http://127.0.0.1:1",
        "USHER_GATEWAYS_FILE": str(folder / "gateways.json"),
    }
    return read(import_module(f"{service}_service.settings").Settings, values)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_shows_what_it_declares_and_nothing_else(service: str, mongo_uri: str, tmp_path: Any) -> None:
    (tmp_path / "gateways.json").write_text('{"stripe": {"api_key": "sk_test_1", "webhook_secret": "whsec_1"}}')
    metrics, settings = Metrics(service), settings_of(service, mongo_uri, tmp_path)
    async with import_module(f"{service}_service.composition").build(settings, metrics):
        shown = {family.name for family in metrics.registry.collect() if family.name.startswith("usher_")}
    declared = import_module(f"{service}_service.metrics").METRICS
    assert shown == {each.name.removesuffix("_total").removesuffix("_info") for each in declared}
