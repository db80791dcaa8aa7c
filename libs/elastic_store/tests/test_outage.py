"""An Elasticsearch that is away is Unavailable, soon, and then there again with all that was acknowledged."""

import time

import pytest

from domain_kit.refusals import Unavailable
from elastic_store import ElasticUnavailable, open_elastic
from testkit.noida import free_port, kafka_elastic_engine


async def test_nobody_listening_is_unavailable():
    async with open_elastic(f"http://127.0.0.1:{free_port()}", timeout=1.0) as elastic:
        with pytest.raises(ElasticUnavailable) as refusal:
            await elastic.ping()
    assert isinstance(refusal.value, Unavailable)
    assert refusal.value.reason == "ELASTICSEARCH_UNAVAILABLE"


async def test_a_server_that_hangs_costs_the_timeout_and_no_more(hanging_server):
    async with open_elastic(hanging_server, timeout=0.3, retries=1) as elastic:
        began = time.monotonic()
        with pytest.raises(ElasticUnavailable):
            await elastic.ping()
        assert time.monotonic() - began < 2.0


async def test_after_a_restart_the_same_client_goes_on(definition):
    with kafka_elastic_engine() as engine:
        async with open_elastic(engine.elasticsearch, timeout=1.0, retries=0) as elastic:
            index = elastic.index(definition)
            await index.ensure()
            await index.put("a", {"seats": 1}, version=1)
            engine.stop()
            with pytest.raises(ElasticUnavailable):
                await index.search({"query": {"match_all": {}}})
            engine.start()
            await index.ensure()
            assert await index.get("a") == {"seats": 1}
