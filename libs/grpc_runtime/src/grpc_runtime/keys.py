"""Fetches the key set that verifies access tokens from the user service."""

from collections.abc import Awaitable, Callable

import grpc.aio
from google.api.httpbody_pb2 import HttpBody

JWKS_METHOD = "/usher.user.v1.UserService/GetJsonWebKeySet"


def fetch_key_set(channel: grpc.aio.Channel) -> Callable[[], Awaitable[bytes]]:
    """A fetch for access.JwksSource: the JSON of the set. Raises what the channel raises."""
    # The request has no fields, so that no stub of the user service is needed.
    call = channel.unary_unary(JWKS_METHOD, request_serializer=bytes, response_deserializer=HttpBody.FromString)

    async def fetch() -> bytes:
        body = await call(b"")
        return bytes(body.data)

    return fetch
