"""A running gRPC server of a service, from its parts to its orderly end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from access import JwksSource, KeySource, TokenVerifier
from grpc_runtime import interceptors
from grpc_runtime.channels import open_channel
from grpc_runtime.health import Health, PlainHealth
from grpc_runtime.identity import identity_of, server_credentials
from grpc_runtime.keys import fetch_key_set
from grpc_runtime.loop_lag import watch_lag
from grpc_runtime.peers import Peers
from grpc_runtime.registration import Unregistered, register
from grpc_runtime.service import Service
from grpc_runtime.settings import RuntimeSettings
from grpc_runtime.spans import Spans
from grpc_runtime.validation import Validation
from grpc_runtime.workers import Workers
from telemetry import Metrics, Tracing

OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_metadata_size", 32 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    # Two processes on one port would share calls at random; the second is to fail.
    ("grpc.so_reuseport", 0),
)

# Of a server that nobody gave any.
NO_TRACES = Tracing()

# Seconds for an unary call whose client set no deadline.
DEFAULT_DEADLINE = 15.0


class Server:
    """Serves between `start` and `stop`."""

    def __init__(
        self,
        service: Service,
        settings: RuntimeSettings,
        metrics: Metrics,
        keys: KeySource,
        tracing: Tracing = NO_TRACES,
    ) -> None:
        self._address = f"{settings.host}:{settings.port}"
        self._identity = identity_of(settings)
        if (identity := self._identity) is not None:
            metrics.certificate("service", lambda: identity.current().ends_at)
        self._server = grpc.aio.server(options=list(OPTIONS))
        self.limits = interceptors.Limits(settings.max_in_flight)
        validation = Validation(service.most_items)
        self.service_names = register(
            self._server,
            service,
            [
                Spans(tracing),
                interceptors.Telemetry(metrics),
                interceptors.Errors(f"usher.{settings.service}", metrics.refusals.refused),
                *([Peers(settings.tls_peers)] if settings.tls_peers else []),
                interceptors.Deadline(DEFAULT_DEADLINE),
                self.limits,
                interceptors.Authentication(TokenVerifier(keys, issuer=settings.token_issuer)),
                interceptors.Access(service.owner_of, validation.violations_of),
                validation,
            ],
        )
        self.health = Health(self.service_names, service.health, tell=metrics.health)
        self.workers = Workers(service.workers, failing=self.health.worker_failing, died=metrics.worker_died)
        for worker in service.workers:
            metrics.lives(worker.name)
        self._loop_lag = metrics.loop_lag
        plain: Any = Unregistered(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health.servicer, plain)
        self._plain_health = PlainHealth(settings.host, settings.health_port, self.health.servicer)
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflection.enable_server_reflection([*self.service_names, health_name, reflection.SERVICE_NAME], plain)
        self._tell_stopping = service.stopping
        self._watch: asyncio.Task[None] | None = None
        self._lag: asyncio.Task[None] | None = None
        self._log = logging.getLogger(__name__)

    @property
    def health_port(self) -> int | None:
        """Where health is told plainly; None: nowhere."""
        return self._plain_health.port

    async def start(self) -> int:
        """Listen, start workers, check health; the port. RuntimeError when the port is taken."""
        if self._identity is None:
            port = self._server.add_insecure_port(self._address)
        else:
            port = self._server.add_secure_port(self._address, server_credentials(self._identity))
        await self.health.start()
        await self._plain_health.start()
        await self._server.start()
        self.workers.start()
        self._watch = asyncio.create_task(self.health.watch(), name="health")
        self._lag = asyncio.create_task(watch_lag(self._loop_lag), name="event-loop-lag")
        self._log.info("listening", extra={"port": port, "services": self.service_names})
        return port

    async def stop(self, seconds: float) -> None:
        """In `seconds`: say NOT_SERVING, accept no more calls, finish those under way, then the workers' batches."""
        end = time.monotonic() + seconds
        for task in (self._watch, self._lag):
            if task is not None:
                task.cancel()
        await self.health.stop()
        if self._tell_stopping is not None:
            self._tell_stopping()
        # Health watches stay open for ever, so the server's own wait is cut short once our calls are done.
        stopping = asyncio.create_task(self._server.stop(seconds * 2 / 3))
        idle = asyncio.create_task(self.limits.idle.wait())
        await asyncio.wait({stopping, idle}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await self._server.stop(None if self.limits.in_flight else 0.05)
        await asyncio.gather(stopping, return_exceptions=True)
        await self._plain_health.stop()
        await self.workers.stop(max(0.5, end - time.monotonic()))


@asynccontextmanager
async def keys_for(service: Service, settings: RuntimeSettings) -> AsyncIterator[KeySource]:
    """The service's own keys, or those of the user service at `jwks_target`. ValueError without either."""
    if service.keys is not None:
        yield service.keys
        return
    if not settings.jwks_target:
        raise ValueError("neither Service.keys nor the setting jwks_target is given")
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(
            open_channel(settings.jwks_target, timeout=2.0, forward_token=False, identity=identity_of(settings))
        )
        source = JwksSource(fetch_key_set(channel), cache=service.key_cache)
        stack.push_async_callback(source.close)
        yield source
