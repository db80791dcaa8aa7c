"""How to know that a started process can be used: its port accepts, its page answers, its health says SERVING."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import httpx
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

Check = Callable[[], Awaitable[None]]
"""Returns when the process is ready and raises NotReady with the reason when it is not."""

LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 2.0


class NotReady(Exception):
    """The process does not serve yet; the message says what the probe saw."""


def accepts(port: int) -> Check:
    """Ready when a TCP connection to the loopback `port` is accepted."""

    async def check() -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                _, writer = await asyncio.open_connection(LOOPBACK, port)
        except (OSError, TimeoutError) as error:
            raise NotReady(f"port {port} does not accept connections") from error
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            return  # accepted and reset at once: the port is served, which is all this check asks

    return check


def answers(url: str) -> Check:
    """Ready when a GET of `url` is answered with a 2xx status."""

    async def check() -> None:
        await fetched(url)

    return check


async def fetched(url: str) -> str:
    """What a GET of `url` is answered with; raises NotReady unless the status is 2xx."""
    try:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as client:
            response = await client.get(url)
    except httpx.HTTPError as error:
        raise NotReady(f"{url} does not answer") from error
    if not response.is_success:
        raise NotReady(f"{url} answers {response.status_code}")
    return response.text


def serves(port: int, service: str = "") -> Check:
    """Ready when grpc.health.v1 on the loopback `port` says SERVING for `service` (empty: the server as a whole)."""

    async def check() -> None:
        async with grpc.aio.insecure_channel(f"{LOOPBACK}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            ask = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
            try:
                reply: HealthCheckResponse = await ask(HealthCheckRequest(service=service), timeout=PROBE_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise NotReady(f"health check: {error.code().name}") from error
        if reply.status != HealthCheckResponse.SERVING:
            raise NotReady(f"health check: {HealthCheckResponse.ServingStatus.Name(reply.status)}")

    return check
