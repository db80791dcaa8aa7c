"""What a caller meets before, around and after a servicer."""

import asyncio
import time
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from access import Role, SigningKey, TokenSigner
from domain_kit.refusals import (
    Aborted,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
)
from grpc_runtime import RemoteFailure, caller_of, cause_of, header_of, principal_of
from resilience import remaining
from telemetry import correlation_id
from testkit.calls import ISSUER

MANAGER = {"organizers/o": Role.MANAGER}


async def test_a_public_rpc_answers_anyone(stub, contract, jars):
    assert (await stub.PeekJar(contract.Jar(name="jars/a", grams=3))).grams == 3
    assert caller_of(jars.contexts[0]) is None


async def test_a_stream_passes_through_the_same_chain(stub, contract, jars, calls):
    answers = [
        each async for each in stub.PourJar(contract.Jar(name="jars/a", grams=3), metadata=calls.bearer("users/ada"))
    ]
    assert len(answers) == 3
    assert principal_of(jars.contexts[0]).user == "users/ada"
    with pytest.raises(InvalidArgument):
        [each async for each in stub.PourJar(contract.Jar(name="?", grams=3))]


async def test_a_stream_that_fails_half_way_ends_with_a_typed_refusal(stub, contract, jars):
    async def second_fails(request, context):
        asked.append(request)
        if len(asked) == 2:
            raise NotFound.named("jars/a")
        return request

    jars.behaviour, asked, seen = second_fails, [], []
    with pytest.raises(NotFound):
        async for each in stub.PourJar(contract.Jar(name="jars/a", grams=3)):
            seen.append(each)
    assert len(seen) == 1


async def test_without_a_token_only_public_rpcs_answer(stub, contract):
    for rpc, request in (("MyJars", contract.Jar(name="jars/a")), ("FillJar", contract.FillJarRequest())):
        with pytest.raises(Unauthenticated) as caught:
            await getattr(stub, rpc)(request)
        assert caught.value.reason == "TOKEN_MISSING"


async def test_expired_forged_and_foreign_tokens_are_told_apart_only_where_it_helps(stub, contract, calls):
    expired = calls.token_for("users/ada", lifetime=timedelta(minutes=-1))
    forged = TokenSigner(SigningKey.generate(), ISSUER).sign("users/ada", {})
    for token, reason in ((expired, "TOKEN_EXPIRED"), (forged, "TOKEN_INVALID"), ("x.y.z", "TOKEN_INVALID")):
        with pytest.raises(Unauthenticated) as caught:
            await stub.MyJars(contract.Jar(name="jars/a"), metadata=[("authorization", f"Bearer {token}")])
        assert caught.value.reason == reason


async def test_a_public_rpc_serves_a_bad_token_as_anonymous_but_remembers_what_was_wrong(stub, contract, jars):
    await stub.PeekJar(contract.Jar(name="jars/a"), metadata=[("authorization", "Bearer nonsense")])
    assert caller_of(jars.contexts[0]) is None
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        principal_of(jars.contexts[0])


async def test_the_owner_and_a_role_with_the_permission_may_and_no_one_else(stub, contract, calls):
    request = contract.FillJarRequest(jar={"name": "jars/a"})
    await stub.FillJar(request, metadata=calls.bearer("users/ada"))
    await stub.FillJar(request, metadata=calls.bearer("users/bob", MANAGER))
    for who in (
        calls.bearer("users/bob"),
        calls.bearer("users/bob", {"organizers/o": Role.VIEWER}),
        calls.bearer("users/bob", {"organizers/other": Role.OWNER}),
    ):
        with pytest.raises(PermissionDenied):
            await stub.FillJar(request, metadata=who)


async def test_a_missing_resource_and_a_foreign_one_are_refused_alike(stub, contract, calls):
    refusals = []
    for name in ("jars/a", "jars/b"):
        with pytest.raises(PermissionDenied) as caught:
            await stub.FillJar(contract.FillJarRequest(jar={"name": name}), metadata=calls.bearer("users/bob"))
        refusals.append(caught.value.message.replace(name, "…"))
    assert refusals[0] == refusals[1] == "Permission events.update denied on resource '…' (or it may not exist)."


@pytest.mark.parametrize("name", ["", "bottle"])
async def test_an_empty_or_malformed_resource_name_is_named_as_the_wrong_field(stub, contract, calls, name):
    with pytest.raises(InvalidArgument) as caught:
        await stub.FillJar(contract.FillJarRequest(jar={"name": name}), metadata=calls.bearer("users/bob"))
    assert [each.field for each in caught.value.violations] == ["jar.name"]


async def test_every_broken_rule_of_the_contract_is_named_by_its_path(stub, contract, jars):
    request = contract.Jar(name="jars/a", grams=5000, lid=9, labels=[{"text": "ok"}, {"text": "too long"}])
    with pytest.raises(InvalidArgument) as caught:
        await stub.PeekJar(request)
    assert caught.value.reason == "FIELD_INVALID"
    assert [each.field for each in caught.value.violations] == ["grams", "lid", "labels[1].text"]
    assert jars.contexts == []


async def test_a_refusal_travels_with_reason_metadata_fields_and_time_to_wait(plain_stub, contract, jars):
    async def refuse(request, context):
        raise Aborted("ETAG_MISMATCH", "Read it again.", metadata={"etag": "7"}, retry_after=timedelta(seconds=1.5))

    jars.behaviour = refuse
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain_stub.PeekJar(contract.Jar(name="jars/a"))
    status = rpc_status.from_call(caught.value)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (status.code, status.message) == (grpc.StatusCode.ABORTED.value[0], "Read it again.")
    assert (info.reason, info.domain, dict(info.metadata)) == ("ETAG_MISMATCH", "usher.test", {"etag": "7"})
    assert retry.retry_delay.ToTimedelta() == timedelta(seconds=1.5)


async def test_the_text_of_an_unexpected_error_never_reaches_the_client(plain_stub, contract, jars, caplog):
    async def fail(request, context):
        raise RuntimeError("password hunter2")

    jars.behaviour = fail
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain_stub.PeekJar(contract.Jar(name="jars/a"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(caught.value)
    log_id = caplog.records[-1].log_id
    assert log_id in caught.value.details()


async def test_an_abort_by_the_servicer_passes_through(plain_stub, contract, jars):
    async def abort(request, context):
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone")

    jars.behaviour = abort
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain_stub.PeekJar(contract.Jar(name="jars/a"))
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "gone")


async def test_an_rpc_the_servicer_lacks_is_unimplemented(stub, contract):
    with pytest.raises(RemoteFailure, match="UNIMPLEMENTED"):
        await stub.ForgottenJar(contract.Jar(name="jars/a"))


async def test_one_call_too_many_is_refused_at_once_with_a_time_to_wait(stub, contract, jars, calls):
    release = asyncio.Event()

    async def wait(request, context):
        await release.wait()
        return request

    jars.behaviour = wait
    under_way = [asyncio.create_task(stub.PeekJar(contract.Jar(name="jars/a"))) for _ in range(3)]
    while calls.server.limits.in_flight < 3:
        await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as caught:
        await stub.PeekJar(contract.Jar(name="jars/a"))
    assert caught.value.retry_after is not None
    release.set()
    await asyncio.gather(*under_way)
    await stub.PeekJar(contract.Jar(name="jars/a"))
    assert calls.server.limits.in_flight == 0


async def test_a_cancelled_call_cancels_the_servicer_and_gives_its_place_back(stub, contract, jars, calls):
    cancelled = asyncio.Event()

    async def wait(request, context):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    jars.behaviour = wait
    call = asyncio.create_task(stub.PeekJar(contract.Jar(name="jars/a")))
    await jars.entered.wait()
    call.cancel()
    await cancelled.wait()
    await calls.server.limits.idle.wait()


async def test_a_servicer_knows_how_long_its_caller_waits(stub, contract, jars):
    seen = []

    async def look(request, context):
        seen.append(remaining())
        return request

    jars.behaviour = look
    await stub.PeekJar(contract.Jar(name="jars/a"), timeout=2.0)
    assert 1.0 < seen[0] < 2.1, "grpc rounds up on the wire"


async def test_a_call_with_too_little_time_left_is_refused_before_any_work(plain_stub, contract, jars):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain_stub.PeekJar(contract.Jar(name="jars/a"), timeout=0.003)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert jars.contexts == []


async def test_the_correlation_id_of_the_caller_is_that_of_the_servicer(plain_stub, contract, jars):
    seen = []

    async def look(request, context):
        seen.append((correlation_id(), cause_of(request, context).traceparent))
        return request

    jars.behaviour = look
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    named = plain_stub.PeekJar(
        contract.Jar(name="jars/a"), metadata=(("x-request-id", "from-envoy"), ("traceparent", parent))
    )
    await named
    unnamed = plain_stub.PeekJar(contract.Jar(name="jars/a"))
    await unnamed
    assert seen[0] == ("from-envoy", parent)
    assert len(seen[1][0]) == 26
    assert dict(await named.trailing_metadata()) == {}, "who named it need not be told"
    assert dict(await unnamed.trailing_metadata()) == {"x-correlation-id": seen[1][0]}


async def test_a_refusal_names_the_correlation_id(plain_stub, contract, jars):
    async def refuse(request, context):
        raise NotFound.named("jars/a")

    jars.behaviour = refuse
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain_stub.PeekJar(contract.Jar(name="jars/a"), metadata=(("x-request-id", "from-envoy"),))
    assert dict(caught.value.trailing_metadata())["x-correlation-id"] == "from-envoy"


async def test_the_cause_of_a_write_is_the_request_id_and_the_fingerprint_of_the_rest(stub, contract, calls, jars):
    who = calls.bearer("users/ada")
    first = contract.FillJarRequest(jar={"name": "jars/a", "grams": 1}, request_id="r1")
    await stub.FillJar(first, metadata=who)
    context = jars.contexts[0]
    again = cause_of(contract.FillJarRequest(jar={"name": "jars/a", "grams": 1}, request_id="r1"), context)
    other = cause_of(contract.FillJarRequest(jar={"name": "jars/a", "grams": 2}, request_id="r1"), context)
    fresh = [cause_of(contract.FillJarRequest(jar={"name": "jars/a"}), context).key for _ in range(2)]
    assert again.key == other.key == "users/ada|usher.jar.v1.JarService/FillJar|r1"
    assert again == cause_of(first, context)
    assert again.fingerprint != other.fingerprint
    assert len(set(fresh)) == 2
    assert again.actor == "users/ada"
    assert first.request_id == "r1"


async def test_secrets_are_no_part_of_a_fingerprint_unless_it_is_keyed(stub, contract, calls, jars):
    """INVARIANT: who reads the store cannot try passwords against a fingerprint."""

    def request(text, combination):
        jar = {"name": "jars/a", "labels": [{"text": "x"}, {"text": text, "combination": combination}]}
        return contract.FillJarRequest(jar=jar, request_id="r1")

    await stub.FillJar(request("safe", "1234"), metadata=calls.bearer("users/ada"))
    context = jars.contexts[0]

    def fingerprint(text, combination, key=b""):
        return cause_of(request(text, combination), context, key=key).fingerprint

    assert fingerprint("safe", "1234") == fingerprint("safe", "") != fingerprint("box", "1234")
    keyed = fingerprint("safe", "1234", b"key")
    assert keyed == fingerprint("safe", "1234", b"key")
    assert keyed not in (
        fingerprint("safe", "4321", b"key"),
        fingerprint("safe", "1234", b"other"),
        fingerprint("safe", ""),
    )


async def test_without_a_request_id_there_is_no_fingerprint_to_guess_from(stub, contract, calls, jars):
    request = contract.FillJarRequest(jar={"name": "jars/a"})
    await stub.FillJar(request, metadata=calls.bearer("users/ada"))
    assert cause_of(request, jars.contexts[0]).fingerprint == b""


async def test_a_servicer_reads_headers_and_sends_some(plain_stub, contract, jars):
    async def look(request, context):
        await context.send_initial_metadata((("x-cookie", "oat"),))
        return contract.Jar(name=f"jars/{header_of(context, 'Stripe-Signature')}")

    jars.behaviour = look
    call = plain_stub.PeekJar(contract.Jar(name="jars/a"), metadata=(("stripe-signature", "sig"),))
    assert (await call).name == "jars/sig"
    assert dict(await call.initial_metadata())["x-cookie"] == "oat"


async def test_outcomes_are_counted_by_code(stub, contract, jars, calls):
    async def refuse(request, context):
        raise DeadlineExceeded("CALL_TIMED_OUT", "late")

    await stub.PeekJar(contract.Jar(name="jars/a"))
    jars.behaviour = refuse
    with pytest.raises(DeadlineExceeded):
        await stub.PeekJar(contract.Jar(name="jars/a"))
    async with asyncio.timeout(5):  # the client hears of a refusal before the server has counted it
        while "usher_rpc_server_in_flight 0.0" not in (text := calls.metrics.text().decode()):
            await asyncio.sleep(0)
    assert 'usher_rpc_server_handled_total{code="OK",method="usher.jar.v1.JarService/PeekJar"} 1.0' in text
    assert (
        'usher_rpc_server_handled_total{code="DEADLINE_EXCEEDED",method="usher.jar.v1.JarService/PeekJar"} 1.0' in text
    )


async def test_a_refusal_about_very_much_still_arrives_with_its_reason(stub, contract):
    request = contract.Jar(name="jars/a", labels=[{"text": "too long"}] * 1000)
    with pytest.raises(InvalidArgument) as caught:
        await stub.PeekJar(request)
    assert caught.value.reason == "FIELD_INVALID"
    assert caught.value.violations[0].field == "labels[0].text"


async def test_a_refusal_that_repeats_a_very_long_name_still_arrives_with_its_reason(stub, contract, calls):
    request = contract.FillJarRequest(jar={"name": "jars/" + "b" * 100_000})
    with pytest.raises(PermissionDenied) as caught:
        await stub.FillJar(request, metadata=calls.bearer("users/bob"))
    assert caught.value.reason == "PERMISSION_DENIED"


async def test_lists_longer_than_any_request_needs_are_refused_before_each_item_is_checked(stub, contract, jars):
    """INVARIANT: a request anybody may send does not keep the event loop for long."""
    request = contract.Jar(name="jars/a", labels=[{"text": "too long"}] * 300_000)
    began = time.process_time()
    with pytest.raises(InvalidArgument) as caught:
        await stub.PeekJar(request)
    assert time.process_time() - began < 5
    assert "items" in caught.value.message
    assert jars.contexts == []
