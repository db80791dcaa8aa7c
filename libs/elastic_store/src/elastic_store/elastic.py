"""The connection to Elasticsearch of one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from elasticsearch import AsyncElasticsearch

from elastic_store.failures import ElasticUnavailable, mapped
from elastic_store.index import Index, IndexDefinition


class Elastic:
    """Made by `open_elastic`; hands out indices."""

    def __init__(self, client: AsyncElasticsearch) -> None:
        self._client = client

    async def ping(self) -> None:
        """ElasticUnavailable when it does not answer."""
        with mapped():
            if not await self._client.ping():
                raise ElasticUnavailable("it does not answer a ping")

    def index(self, definition: IndexDefinition) -> Index:
        """The index of that name; `ensure` makes it."""
        return Index(self._client, definition)


@asynccontextmanager
async def open_elastic(
    url: str, *, api_key: str = "", ca_certs: str = "", timeout: float = 5.0, retries: int = 2, connections: int = 10
) -> AsyncIterator[Elastic]:
    """A client of the servers in `url` (comma-separated), closed at the end. It connects with the first request.

    timeout: seconds of each attempt. retries: of requests that got no answer; every write here may be repeated.
    """
    options = {"api_key": api_key} if api_key else {}
    if ca_certs:
        options["ca_certs"] = ca_certs
    client = AsyncElasticsearch(
        url.split(","),
        request_timeout=timeout,
        max_retries=retries,
        retry_on_timeout=True,
        connections_per_node=connections,
        **options,  # type: ignore[arg-type]  # texts for two of many parameters of other types
    )
    try:
        yield Elastic(client)
    finally:
        await client.close()
