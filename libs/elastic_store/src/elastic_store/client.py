"""The client of Elasticsearch, without what it loads only because it is installed for others.

It tries several HTTP libraries of which `open_elastic` uses aiohttp, and OpenTelemetry, to which we tell ourselves what
is to be told: 8 MiB in each process where all of them are there.
"""

import sys

UNUSED = ("httpx", "opentelemetry", "requests")

_hidden = [name for name in UNUSED if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # what is None there cannot be imported
try:
    from elasticsearch import ApiError, AsyncElasticsearch, ConflictError, NotFoundError, TransportError
finally:
    for _name in _hidden:
        del sys.modules[_name]

__all__ = ["ApiError", "AsyncElasticsearch", "ConflictError", "NotFoundError", "TransportError"]
