"""Settings of the search service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import positive


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """elasticsearch_url: servers, comma-separated. tend_seconds: how often the index is compared with what is known."""

    service: str = "search"
    elasticsearch_url: str = variable("USHER_ELASTICSEARCH_URL", secret=True)
    elasticsearch_api_key: str = variable("USHER_ELASTICSEARCH_API_KEY", default="", secret=True)
    elasticsearch_ca_certs: str = variable("USHER_ELASTICSEARCH_CA_CERTS", default="")
    index_name: str = variable("USHER_SEARCH_INDEX", default="search-events")
    views_kept: int = variable("USHER_SEARCH_VIEWS", int, default=20)
    tend_seconds: float = variable("USHER_SEARCH_TEND_SECONDS", positive, default=5.0)
