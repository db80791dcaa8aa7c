"""Documents in Elasticsearch: versioned indices behind aliases, external versions, typed search results."""

from elastic_store.bulk import BulkResult, Outcome, Put, Remove
from elastic_store.elastic import Elastic, open_elastic
from elastic_store.failures import ElasticRefused, ElasticUnavailable, IndexMissing, PointInTimeGone
from elastic_store.index import BulkWrite, Index, IndexDefinition
from elastic_store.results import Found, Hit

__all__ = [
    "BulkResult",
    "BulkWrite",
    "Elastic",
    "ElasticRefused",
    "ElasticUnavailable",
    "Found",
    "Hit",
    "Index",
    "IndexDefinition",
    "IndexMissing",
    "Outcome",
    "PointInTimeGone",
    "Put",
    "Remove",
    "open_elastic",
]
