"""Calls from one service to another."""

import asyncio
import json

import pytest
from google.api.httpbody_pb2 import HttpBody

from access import JwksSource, SigningKey, StaticKeys, TokenSigner, TokenVerifier, public_key_set
from domain_kit.refusals import Aborted, DeadlineExceeded, FieldViolation, InvalidArgument, Unavailable
from grpc_runtime import Service, caller_of, header_of, http_body, open_channel
from grpc_runtime.keys import fetch_key_set
from grpc_runtime.server import keys_for
from grpc_runtime.statuses import status_of
from resilience import deadline_scope, remaining
from telemetry import bind_correlation_id
from testkit.calls import CallSettings, calls_to
from usher.user.v1 import user_service_pb2_grpc


async def test_what_the_callee_refuses_its_caller_gets_as_the_same_refusal(stub, contract, jars):
    async def refuse(request, context):
        raise InvalidArgument("X_BAD", "x: bad", metadata={"k": "v"}, violations=[FieldViolation("x", "bad")])

    jars.behaviour = refuse
    with pytest.raises(InvalidArgument) as caught:
        await stub.PeekJar(contract.Jar(name="jars/a"))
    refusal = caught.value
    assert (refusal.reason, refusal.message, refusal.metadata) == ("X_BAD", "x: bad", {"k": "v"})
    assert refusal.violations == (FieldViolation("x", "bad"),)
    assert status_of(refusal, "usher.a") == status_of(
        InvalidArgument("X_BAD", "x: bad", metadata={"k": "v"}, violations=[FieldViolation("x", "bad")]), "usher.a"
    )


async def test_a_call_in_a_call_carries_deadline_token_and_correlation_id(calls, contract, jars):
    seen = {}

    async def outer(request, context):
        if request.grams == 0:
            async with open_channel(calls.address, margin=0.3) as channel:
                return await contract.stub(channel).PeekJar(contract.Jar(name="jars/a", grams=1))
        seen["user"] = caller_of(context).user
        seen["left"] = remaining()
        seen["id"] = header_of(context, "x-correlation-id")
        return request

    jars.behaviour = outer
    metadata = (*calls.bearer("users/ada"), ("x-correlation-id", "one-id"))
    await contract.stub(calls.channel).PeekJar(contract.Jar(name="jars/a"), metadata=metadata, timeout=0.9)
    assert (seen["user"], seen["id"]) == ("users/ada", "one-id")
    assert 0.3 < seen["left"] < 0.65


async def test_outside_a_call_nothing_but_the_correlation_id_is_sent(calls, contract, jars):
    with bind_correlation_id("job-7"):
        await contract.stub(calls.channel).PeekJar(contract.Jar(name="jars/a"))
    assert header_of(jars.contexts[0], "x-correlation-id") == "job-7"
    assert header_of(jars.contexts[0], "authorization") == ""


async def test_with_no_time_left_nobody_is_called(calls, contract, jars):
    with deadline_scope(0.01), pytest.raises(DeadlineExceeded) as caught:
        await contract.stub(calls.channel).PeekJar(contract.Jar(name="jars/a"))
    assert caught.value.reason == "DEADLINE_TOO_SHORT"
    assert jars.contexts == []


async def test_a_service_that_is_not_there_is_unavailable_without_its_address(contract):
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(Unavailable) as caught:
            await contract.stub(channel).PeekJar(contract.Jar(name="jars/a"))
    assert caught.value.reason == "UPSTREAM_UNAVAILABLE"
    assert "127.0.0.1" not in str(caught.value)


async def test_a_service_that_is_too_slow_is_a_deadline_exceeded(calls, contract, jars):
    async def wait(request, context):
        await asyncio.Event().wait()

    jars.behaviour = wait
    with pytest.raises(DeadlineExceeded, match="UPSTREAM_TOO_SLOW"):
        await contract.stub(calls.channel).PeekJar(contract.Jar(name="jars/a"), timeout=0.05)


async def test_a_caller_that_stops_reading_a_stream_ends_it(calls, contract, jars):
    stream = contract.stub(calls.channel).PourJar(contract.Jar(name="jars/a", grams=1000))
    async for _ in stream:
        break
    await stream.aclose()
    await calls.server.limits.idle.wait()


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """Serves one key set."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key

    async def GetJsonWebKeySet(self, request, context) -> HttpBody:
        return http_body("application/jwk-set+json", public_key_set([self.key]))


class Kept:
    """A KeyCache."""

    def __init__(self) -> None:
        self.value: bytes | None = None

    async def load(self) -> bytes | None:
        return self.value

    async def save(self, key_set: bytes) -> None:
        self.value = key_set


async def test_a_service_learns_the_keys_from_the_user_service_and_keeps_them_for_when_it_is_down():
    key, kept = SigningKey.generate(), Kept()
    token = TokenSigner(key, "issuer").sign("users/ada", {})
    user = Service(
        servicers=[(user_service_pb2_grpc.add_UserServiceServicer_to_server, UserServicer(key))], keys=StaticKeys([key])
    )
    other = Service(servicers=[], key_cache=kept)
    async with calls_to(user) as calls:
        async with keys_for(other, CallSettings(jwks_target=calls.address)) as keys:
            assert (await TokenVerifier(keys, issuer="issuer").verify(token)).user == "users/ada"
    assert json.loads(kept.value)["keys"][0]["kid"] == key.kid
    async with keys_for(other, CallSettings(jwks_target="127.0.0.1:1")) as keys:
        assert (await TokenVerifier(keys, issuer="issuer").verify(token)).user == "users/ada"
    async with open_channel("127.0.0.1:1") as nowhere:
        with pytest.raises(Unavailable, match="KEYS_UNAVAILABLE"):
            await TokenVerifier(JwksSource(fetch_key_set(nowhere)), issuer="issuer").verify(token)


def test_a_refusal_needs_no_details_to_be_sent():
    status = status_of(Aborted("WRITE_CONFLICT", "Again."), "usher.a")
    assert len(status.details) == 1
