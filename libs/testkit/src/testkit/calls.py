"""A real server around given servicers, in process, so that component tests call rpcs through all interceptors."""

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
import grpc.aio

from access import Role, SigningKey, StaticKeys, TokenSigner
from grpc_runtime import Service, identity_of, open_channel
from grpc_runtime.channels import Channel
from grpc_runtime.server import Server
from telemetry import Metrics

ISSUER = "https://usher.example"
NO_ROLES: Mapping[str, Role] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallSettings:
    """RuntimeSettings for a test: a free port, no metrics port, no traces."""

    service: str = "test"
    host: str = "127.0.0.1"
    port: int = 0
    metrics_port: int = 0
    health_port: int | None = None
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_ca_file: str = ""
    tls_peers: Sequence[str] = ()
    log_level: str = "WARNING"
    otlp_endpoint: str = ""
    trace_ratio: float = 0.0
    drain_seconds: float = 2.0
    max_in_flight: int = 100
    jwks_target: str = ""
    token_issuer: str = ISSUER


class Calls:
    """A started server and what a test needs to call it.

    channel: for stubs, with the server's own certificate; refusals are raised as domain_kit.refusals.
    plain_channel: grpc's own, without one, raising AioRpcError. metrics: what the server has counted.
    """

    def __init__(
        self,
        server: Server,
        address: str,
        metrics: Metrics,
        signer: TokenSigner,
        channel: Channel,
        plain_channel: grpc.aio.Channel,
    ) -> None:
        self.server = server
        self.address = address
        self.metrics = metrics
        self.channel = channel
        self.plain_channel = plain_channel
        self._signer = signer

    def token_for(
        self,
        user: str,
        roles: Mapping[str, Role] = NO_ROLES,
        *,
        session: str = "",
        lifetime: timedelta = timedelta(minutes=10),
    ) -> str:
        """An access token the server accepts; a negative `lifetime` makes one that has expired."""
        return self._signer.sign(user, roles, session=session, lifetime=lifetime)

    def bearer(self, user: str, roles: Mapping[str, Role] = NO_ROLES) -> tuple[tuple[str, str], ...]:
        """Metadata of a signed-in call: `await stub.GetUser(request, metadata=calls.bearer("users/ada"))`."""
        return (("authorization", f"Bearer {self.token_for(user, roles)}"),)


@asynccontextmanager
async def calls_to(
    service: Service, settings: CallSettings | None = None, *, key: SigningKey | None = None
) -> AsyncIterator[Calls]:
    """Serve `service` with workers, health and every interceptor until the block ends.

    Tokens are signed with `key`, or a new one. A service that has its own `keys` keeps them: `key` is then one of them.
    """
    settings = settings or CallSettings()
    key = key or SigningKey.generate()
    keys = service.keys or StaticKeys([key])
    metrics = Metrics(settings.service)
    server = Server(service, settings, metrics, keys)
    address = f"{settings.host}:{await server.start()}"
    try:
        identity = identity_of(settings)
        async with (
            open_channel(address, identity=identity) as channel,
            grpc.aio.insecure_channel(address) as plain_channel,
        ):
            yield Calls(server, address, metrics, TokenSigner(key, settings.token_issuer), channel, plain_channel)
    finally:
        await server.stop(settings.drain_seconds)
