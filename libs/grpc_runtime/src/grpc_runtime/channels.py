"""Channels to other services: deadline, the caller's token and trace go along; refusals come back typed."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Self

import grpc
import grpc.aio

from domain_kit.refusals import DeadlineExceeded
from grpc_runtime.connection import Connection
from grpc_runtime.identity import Identity
from grpc_runtime.statuses import refusal_from
from resilience import remaining
from telemetry import Metrics, correlation_id, current_traceparent, span

OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

# The authorization header of the call being served, which calls made on its behalf carry on.
authorization: ContextVar[str] = ContextVar("authorization", default="")


def open_channel(
    address: str,
    *,
    timeout: float = 5.0,
    margin: float = 0.02,
    forward_token: bool = True,
    metrics: Metrics | None = None,
    identity: Identity | None = None,
) -> "Channel":
    """A channel for generated stubs. Connects when first used; close it with `await channel.close()`.

    timeout: seconds for a call that names none. margin: seconds of the caller's time kept back to answer it.
    forward_token: send the caller's access token along. identity: whose certificate to show, and which CA to trust for
    the other side's, whose name is that of `address`; None: speak plainly.
    Calls raise refusals (see `refusal_from`), with no time left DeadlineExceeded DEADLINE_TOO_SHORT at once.
    """
    return Channel(Connection(address, OPTIONS, identity), timeout, margin, forward_token, metrics)


class Channel(grpc.aio.Channel):
    """What `open_channel` gives. Unary and server-streaming rpcs; both kinds are called as generated stubs do."""

    def __init__(
        self, connection: Connection, timeout: float, margin: float, forward_token: bool, metrics: Metrics | None
    ) -> None:
        self._connection, self._timeout, self._margin = connection, timeout, margin
        self._forward_token, self._metrics = forward_token, metrics

    def unary_unary(
        self,
        method: Any,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """A function that awaits one answer."""
        inner = self._over_current("unary_unary", method, request_serializer, response_deserializer)
        name = str(method).lstrip("/")
        started = self._measuring(name)

        async def call(request: Any, *, timeout: float | None = None, metadata: Sequence[tuple[str, str]] = ()) -> Any:
            limit = self._limit(timeout)
            ended = started()
            code = "CANCELLED"
            try:
                with span(name, "client"):
                    answer = await inner()(request, timeout=limit, metadata=self._metadata(metadata))
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                raise refusal_from(error) from error
            else:
                code = "OK"
                return answer
            finally:
                ended(code)

        return call

    def unary_stream(
        self,
        method: Any,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """A function that gives an async iterator of answers; no time limit but the caller's and `timeout`."""
        inner = self._over_current("unary_stream", method, request_serializer, response_deserializer)
        started = self._measuring(str(method).lstrip("/"))

        async def call(
            request: Any, *, timeout: float | None = None, metadata: Sequence[tuple[str, str]] = ()
        ) -> AsyncIterator[Any]:
            limit, sent = self._limit(timeout, default=None), self._metadata(metadata)
            ended = started()
            code = "CANCELLED"
            answers = inner()(request, timeout=limit, metadata=sent)
            try:
                async for answer in answers:
                    yield answer
                code = "OK"
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                raise refusal_from(error) from error
            finally:
                answers.cancel()
                ended(code)

        return call

    def stream_unary(self, method: Any, *_serializers: Any, **_options: Any) -> Any:
        """Usher has no rpc that streams requests."""
        raise TypeError(f"{method}: requests are not streamed")

    def stream_stream(self, method: Any, *_serializers: Any, **_options: Any) -> Any:
        """Usher has no rpc that streams requests; reflection uses a plain channel."""
        raise TypeError(f"{method}: requests are not streamed")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Break off calls still under way after `grace` seconds and close."""
        await self._connection.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """As grpc."""
        return self._connection.channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """As grpc."""
        await self._connection.channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return once connected; for ever if nobody listens."""
        await self._connection.channel.channel_ready()

    def _over_current(self, kind: str, *method: Any) -> Callable[[], Any]:
        """Gives the method's callable over the channel to call over now."""
        made: tuple[grpc.aio.Channel, Any] | None = None

        def current() -> Any:
            nonlocal made
            channel = self._connection.channel
            if made is None or made[0] is not channel:
                made = channel, getattr(channel, kind)(*method)
            return made[1]

        return current

    def _limit(self, timeout: float | None, *, default: float | None = -1.0) -> float | None:
        wanted = timeout if timeout is not None else self._timeout if default == -1.0 else default
        left = remaining()
        if left is None:
            return wanted
        left -= self._margin
        if left <= 0:
            raise DeadlineExceeded("DEADLINE_TOO_SHORT", "There is too little time left to ask another service.")
        return left if wanted is None else min(wanted, left)

    def _metadata(self, given: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        added = [("x-correlation-id", correlation_id()), ("traceparent", current_traceparent())]
        if self._forward_token:
            added.append(("authorization", authorization.get()))
        named = {key for key, _ in given}
        return (*given, *((key, value) for key, value in added if value and key not in named))

    def _measuring(self, method: str) -> Callable[[], Callable[[str], None]]:
        """What is called when a call of the rpc begins, and gives what is called when it ended."""
        if self._metrics is None:
            return lambda: _unmeasured
        rpcs, of = self._metrics.client_rpcs, self._metrics.client_rpcs.of(method)

        def begun() -> Callable[[str], None]:
            started = time.perf_counter()
            rpcs.started()
            return lambda code: rpcs.ended(of, code, time.perf_counter() - started)

        return begun


def _unmeasured(_code: str) -> None:
    return None
