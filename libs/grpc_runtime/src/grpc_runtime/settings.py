"""The settings the runtime needs; environment.ServiceSettings has them all."""

from collections.abc import Sequence
from typing import Protocol


class RuntimeSettings(Protocol):
    """Empty `otlp_endpoint`: no traces. Empty `jwks_target`: the service has its own keys. Port 0: a free one."""

    @property
    def service(self) -> str:
        """Short name, for example "booking"; refusals carry the domain "usher.booking"."""

    @property
    def host(self) -> str:
        """Address to listen on."""

    @property
    def port(self) -> int:
        """Port for gRPC."""

    @property
    def metrics_port(self) -> int:
        """Port for Prometheus."""

    @property
    def health_port(self) -> int | None:
        """Port that plainly says how the service is and nothing else; None: there is none."""

    @property
    def tls_cert_file(self) -> str:
        """PEM, the certificate of this service; empty: services speak plainly."""

    @property
    def tls_key_file(self) -> str:
        """PEM, its key."""

    @property
    def tls_ca_file(self) -> str:
        """PEM, the CA whose certificates are believed."""

    @property
    def tls_peers(self) -> Sequence[str]:
        """Names in certificates that may call; none: any that the CA has signed."""

    @property
    def log_level(self) -> str:
        """A level of the logging module."""

    @property
    def otlp_endpoint(self) -> str:
        """Where traces go."""

    @property
    def trace_ratio(self) -> float:
        """Share of the traces begun here that are kept, 0 to 1."""

    @property
    def drain_seconds(self) -> float:
        """Longest time for calls and workers to finish at the end."""

    @property
    def max_in_flight(self) -> int:
        """Unary calls at once, and streams at once."""

    @property
    def jwks_target(self) -> str:
        """GRPC address of the user service."""

    @property
    def token_issuer(self) -> str:
        """The `iss` of access tokens."""
