"""The connection to Elasticsearch of one process."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from elastic_store.client import ApiError, AsyncElasticsearch, TransportError
from elastic_store.failures import ElasticUnavailable, is_failure, mapped
from elastic_store.index import Index, IndexDefinition
from elastic_store.metrics import ElasticMetrics


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


class _Client(AsyncElasticsearch):
    """Tells how long each request took."""

    metrics: ElasticMetrics | None = None

    async def perform_request(self, method: str, path: str, *, endpoint_id: str | None = None, **more: Any) -> Any:
        """As the library does; all its requests come through here."""
        if self.metrics is None:
            return await super().perform_request(method, path, endpoint_id=endpoint_id, **more)
        began, failed = time.perf_counter(), False
        try:
            return await super().perform_request(method, path, endpoint_id=endpoint_id, **more)
        except (ApiError, TransportError) as error:
            failed = is_failure(error)
            raise
        finally:
            self.metrics.answered(endpoint_id or "other", time.perf_counter() - began, failed)


@asynccontextmanager
async def open_elastic(
    url: str,
    *,
    api_key: str = "",
    ca_certs: str = "",
    timeout: float = 5.0,
    retries: int = 2,
    connections: int = 10,
    metrics: ElasticMetrics | None = None,
) -> AsyncIterator[Elastic]:
    """A client of the servers in `url` (comma-separated), closed at the end. It connects with the first request.

    timeout: seconds of each attempt. retries: of requests that got no answer; every write here may be repeated.
    """
    options = {"api_key": api_key} if api_key else {}
    if ca_certs:
        options["ca_certs"] = ca_certs
    client = _Client(
        url.split(","),
        request_timeout=timeout,
        max_retries=retries,
        retry_on_timeout=True,
        connections_per_node=connections,
        **options,  # type: ignore[arg-type]  # texts for two of many parameters of other types
    )
    client.metrics = metrics
    try:
        yield Elastic(client)
    finally:
        await client.close()
