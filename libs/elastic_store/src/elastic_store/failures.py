"""What Elasticsearch's failures mean: it is away, an index is missing, or this program asked something wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain_kit.refusals import Unavailable
from elastic_store.client import ApiError, ConflictError, NotFoundError, TransportError

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


class ElasticUnavailable(Unavailable):
    """Elasticsearch does not answer, not in time, or is too busy; later it may."""

    def __init__(self, what: str) -> None:
        super().__init__("ELASTICSEARCH_UNAVAILABLE", f"Elasticsearch is not available: {what}")


class IndexMissing(Unavailable):
    """The index was not made yet, or is gone; `Index.ensure` makes it."""

    def __init__(self, name: str) -> None:
        super().__init__("INDEX_MISSING", f"Index {name} does not exist.", metadata={"index": name})


class PointInTimeGone(Exception):
    """The point in time ran out, was closed, or did not survive its server; open another one."""


class ElasticRefused(Exception):
    """Elasticsearch does not accept what this program asked: a malformed query, a document outside the mapping.

    Not a Refusal, since no caller can do anything about it. `kind` is Elasticsearch's own word for why.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


def is_failure(error: ApiError | TransportError) -> bool:
    """Whether Elasticsearch could not do it; that something is missing, conflicts or is malformed is an answer."""
    return isinstance(error, TransportError) or _is_overloaded(error.status_code)


def _is_overloaded(status: int) -> bool:
    return status == TOO_MANY_REQUESTS or status >= SERVER_ERROR


@contextmanager
def mapped(index: str = "") -> Iterator[None]:
    """Client errors as refusals. Whoever asks about one document deals with a missing one and a conflict itself."""
    try:
        yield
    except NotFoundError as error:
        if index and error.error == "index_not_found_exception":
            raise IndexMissing(index) from error
        raise
    except ConflictError:
        raise
    except ApiError as error:
        if _is_overloaded(error.status_code):
            raise ElasticUnavailable(f"{error.status_code} {error.message}") from error
        raise ElasticRefused(str(error.error), str(error.message)) from error
    except (TimeoutError, TransportError, OSError) as error:
        raise ElasticUnavailable(str(error) or type(error).__name__) from error
