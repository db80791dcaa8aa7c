"""The settings that every service has."""

from dataclasses import dataclass

from environment.reading import port as a_port
from environment.reading import positive, share, variable


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What a service needs to run at all; a service adds its own in a subclass that names `service`."""

    service: str
    mongodb_uri: str = variable("USHER_MONGODB_URI", secret=True)
    kafka_brokers: str = variable("USHER_KAFKA_BROKERS")
    page_token_key: bytes = variable("USHER_PAGE_TOKEN_KEY", str.encode, secret=True)
    host: str = variable("USHER_GRPC_HOST", default="127.0.0.1")
    port: int = variable("USHER_GRPC_PORT", a_port, default=0)
    metrics_port: int = variable("USHER_METRICS_PORT", a_port, default=0)
    log_level: str = variable("USHER_LOG_LEVEL", default="INFO")
    otlp_endpoint: str = variable("USHER_OTLP_ENDPOINT", default="")
    trace_ratio: float = variable("USHER_TRACE_RATIO", share, default=0.05)
    jwks_target: str = variable("USHER_JWKS_TARGET", default="")
    token_issuer: str = variable("USHER_TOKEN_ISSUER", default="https://usher.example")
    drain_seconds: float = variable("USHER_DRAIN_SECONDS", positive, default=10.0)
    max_in_flight: int = variable("USHER_MAX_IN_FLIGHT", int, default=1000)

    @property
    def database(self) -> str:
        """Name of the service's own database."""
        return f"usher_{self.service}"

    @property
    def topic(self) -> str:
        """Kafka topic of the service's domain events."""
        return f"usher.{self.service}.v1"
