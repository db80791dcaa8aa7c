"""What Elasticsearch's failures mean to a domain: away, missing, or a search it will not do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from domain_kit.refusals import InvalidArgument, NotFound, Unavailable
from elasticsearch import ApiError, NotFoundError, TransportError

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


class ElasticUnavailable(Unavailable):
    """Elasticsearch does not answer, not in time, or is too busy; later it may."""

    def __init__(self, what: str) -> None:
        super().__init__("ELASTICSEARCH_UNAVAILABLE", f"Elasticsearch is not available: {what}")


class IndexMissing(NotFound):
    """The index was not made; `Index.ensure` makes it."""

    def __init__(self, name: str) -> None:
        super().__init__("INDEX_MISSING", f"Index {name} does not exist.", metadata={"index": name})


class SearchRefused(InvalidArgument):
    """Elasticsearch does not accept the request; `metadata["type"]` is its own word for why."""

    def __init__(self, error: ApiError) -> None:
        super().__init__("SEARCH_REFUSED", f"Elasticsearch refused: {error.message}", metadata={"type": str(error.error)})


@contextmanager
def mapped(index: str = "") -> Iterator[None]:
    """Client errors as refusals. A missing document is the business of those who ask for one."""
    try:
        yield
    except NotFoundError as error:
        if index and error.error == "index_not_found_exception":
            raise IndexMissing(index) from error
        raise
    except ApiError as error:
        if error.status_code == TOO_MANY_REQUESTS or error.status_code >= SERVER_ERROR:
            raise ElasticUnavailable(f"{error.status_code} {error.message}") from error
        raise SearchRefused(error) from error
    except (TransportError, asyncio.TimeoutError, OSError) as error:
        raise ElasticUnavailable(str(error) or type(error).__name__) from error
