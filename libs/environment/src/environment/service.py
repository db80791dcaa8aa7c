"""The settings that every service has."""

from dataclasses import dataclass

from environment.kafka import KafkaSettings
from environment.reading import SettingsError, names, positive, share, variable
from environment.reading import port as a_port


@dataclass(frozen=True, kw_only=True)
class ServiceSettings(KafkaSettings):
    """What a service needs to run at all; a service adds its own in a subclass that names `service`.

    tls_cert_file, tls_key_file, tls_ca_file: PEM; with them services prove who they are to each other, without them
    they speak plainly. tls_peers: names in certificates that may call; empty: any that the CA has signed.
    health_port: a port that says how the service is and nothing else, to those without a certificate; none where unset.
    """

    service: str
    mongodb_uri: str = variable("USHER_MONGODB_URI", secret=True)
    page_token_key: bytes = variable("USHER_PAGE_TOKEN_KEY", str.encode, secret=True)
    host: str = variable("USHER_GRPC_HOST", default="127.0.0.1")
    port: int = variable("USHER_GRPC_PORT", a_port, default=0)
    metrics_port: int = variable("USHER_METRICS_PORT", a_port, default=0)
    health_port: int | None = variable("USHER_HEALTH_PORT", a_port, default=None)
    tls_cert_file: str = variable("USHER_TLS_CERT_FILE", default="")
    tls_key_file: str = variable("USHER_TLS_KEY_FILE", default="")
    tls_ca_file: str = variable("USHER_TLS_CA_FILE", default="")
    tls_peers: tuple[str, ...] = variable("USHER_TLS_PEERS", names, default=())
    log_level: str = variable("USHER_LOG_LEVEL", default="INFO")
    otlp_endpoint: str = variable("USHER_OTLP_ENDPOINT", default="")
    trace_ratio: float = variable("USHER_TRACE_RATIO", share, default=0.05)
    jwks_target: str = variable("USHER_JWKS_TARGET", default="")
    token_issuer: str = variable("USHER_TOKEN_ISSUER", default="https://usher.example")
    drain_seconds: float = variable("USHER_DRAIN_SECONDS", positive, default=10.0)
    max_in_flight: int = variable("USHER_MAX_IN_FLIGHT", int, default=1000)

    def __post_init__(self) -> None:
        """SettingsError for what does not go together."""
        super().__post_init__()
        given = {
            "USHER_TLS_CERT_FILE": self.tls_cert_file,
            "USHER_TLS_KEY_FILE": self.tls_key_file,
            "USHER_TLS_CA_FILE": self.tls_ca_file,
        }
        missing = [name for name, value in given.items() if not value]
        if 0 < len(missing) < len(given):
            raise SettingsError([f"{name} is missing, certificate, key and CA go together" for name in missing])
        if missing and self.tls_peers:
            raise SettingsError(["USHER_TLS_PEERS is set, but without USHER_TLS_CERT_FILE nobody proves a name"])

    @property
    def database(self) -> str:
        """Name of the service's own database."""
        return f"usher_{self.service}"

    @property
    def topic(self) -> str:
        """Kafka topic of the service's domain events."""
        return f"usher.{self.service}.v1"
