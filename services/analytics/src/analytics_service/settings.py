"""Settings of the analytics service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import positive


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """elasticsearch_url: servers, comma-separated. tend_seconds: how often the index is looked at for lost facts."""

    service: str = "analytics"
    elasticsearch_url: str = variable("USHER_ELASTICSEARCH_URL", secret=True)
    elasticsearch_api_key: str = variable("USHER_ELASTICSEARCH_API_KEY", default="", secret=True)
    elasticsearch_ca_certs: str = variable("USHER_ELASTICSEARCH_CA_CERTS", default="")
    facts_index: str = variable("USHER_ANALYTICS_INDEX", default="facts")
    tend_seconds: float = variable("USHER_ANALYTICS_TEND_SECONDS", positive, default=15.0)
