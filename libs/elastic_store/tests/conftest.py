"""One engine for all tests; each test has an index name of its own."""

import asyncio

import pytest

from domain_kit.ids import new_id
from elastic_store import IndexDefinition, open_elastic
from testkit.noida import kafka_elastic_engine

MAPPING = {
    "dynamic": "strict",
    "properties": {
        "title": {"type": "text", "analyzer": "folded"},
        "city": {"type": "keyword"},
        "seats": {"type": "integer"},
        "at": {"type": "date"},
    },
}
SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "analysis": {"analyzer": {"folded": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}}},
}


@pytest.fixture(scope="session")
def engine():
    with kafka_elastic_engine() as engine:
        yield engine


@pytest.fixture
async def elastic(engine):
    async with open_elastic(engine.elasticsearch) as elastic:
        yield elastic


@pytest.fixture
def definition():
    return IndexDefinition(f"events-{new_id()}", MAPPING, SETTINGS)


@pytest.fixture
async def index(elastic, definition):
    index = elastic.index(definition)
    await index.ensure()
    return index


@pytest.fixture
async def hanging_server():
    """Accepts connections and never answers."""
    closing = asyncio.Event()

    async def hang(reader, writer):
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    closing.set()
    server.close()
    await asyncio.sleep(0)
