import asyncio
import json
from datetime import timedelta

import pytest

from access import SigningKey, TokenSigner
from domain_kit.refusals import FailedPrecondition, ResourceExhausted, Unauthenticated
from usher.user.v1 import domain_events_pb2
from usher.user.v1 import user_service_pb2 as pb


async def refused(call):
    with pytest.raises(Exception) as caught:
        await call
    return caught.value


async def test_wrong_password_and_unknown_address_are_answered_alike(usher):
    await usher.signed_in("ada@example.com")
    wrong = await refused(usher.sign_in("ada@example.com", "other kayaks in line"))
    unknown = await refused(usher.sign_in("eve@example.com"))
    assert (type(wrong), wrong.reason, wrong.message) == (type(unknown), unknown.reason, unknown.message)
    assert (type(wrong), wrong.reason) == (Unauthenticated, "CREDENTIALS_INVALID")


async def test_an_unproved_address_cannot_sign_in(usher):
    await usher.register("ada@example.com")
    refusal = await refused(usher.sign_in("ada@example.com"))
    assert (type(refusal), refusal.reason) == (FailedPrecondition, "EMAIL_NOT_VERIFIED")


async def test_too_many_wrong_passwords_lock_sign_in_and_say_for_how_long(usher):
    await usher.signed_in("ada@example.com")
    refusals = await asyncio.gather(
        *(refused(usher.sign_in("ada@example.com", f"guess number {n}")) for n in range(12))
    )
    assert [refusal.reason for refusal in refusals].count("CREDENTIALS_INVALID") == 5
    locked = await refused(usher.sign_in("ada@example.com"))
    assert (type(locked), locked.reason) == (ResourceExhausted, "SIGN_IN_LOCKED")
    assert timedelta() < locked.retry_after <= timedelta(minutes=1)


async def test_twenty_parallel_refreshes_with_one_token_trade_it_once(usher):
    """INVARIANT: one token is traded once."""
    tokens, _ = await usher.signed_in("ada@example.com")
    request = pb.RefreshTokensRequest(refresh_token=tokens.refresh_token)
    answers = await asyncio.gather(*(usher.stub.RefreshTokens(request) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    types = [event.type async for event in usher.outbox.everything()]
    assert types.count("usher.user.v1.SessionRefreshed") == 1
    await usher.refreshed(answers[0])


async def test_a_token_used_before_ends_the_session_with_its_reason(usher):
    first, _ = await usher.signed_in("ada@example.com")
    second, _ = await usher.refreshed(first)
    third, _ = await usher.refreshed(second)
    for tokens in (first, third):
        refusal = await refused(usher.refreshed(tokens))
        assert (type(refusal), refusal.reason) == (Unauthenticated, "REFRESH_TOKEN_REUSED")
    ends = [event async for event in usher.outbox.everything() if event.type.endswith("SessionEnded")]
    [end] = [domain_events_pb2.SessionEnded.FromString(event.payload) for event in ends]
    assert end.reason == domain_events_pb2.SessionEnded.REASON_TOKEN_REUSED


async def test_signing_out_ends_the_session(usher):
    tokens, _ = await usher.signed_in("ada@example.com")
    for token in (tokens.refresh_token, tokens.refresh_token, "made up"):
        await usher.stub.SignOut(pb.SignOutRequest(refresh_token=token))
    assert (await refused(usher.refreshed(tokens))).reason == "REFRESH_TOKEN_INVALID"


async def test_the_key_set_verifies_access_tokens_and_holds_nothing_private(usher):
    tokens, _ = await usher.signed_in("ada@example.com")
    body = await usher.stub.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())
    assert body.content_type == "application/jwk-set+json"
    [key] = json.loads(body.data)["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in key

    from joserfc import jwt
    from joserfc.jwk import ECKey

    token = jwt.decode(tokens.access_token, ECKey.import_key(key), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "kid": key["kid"], "typ": "JWT"}
    assert token.claims["exp"] - token.claims["iat"] == 600
    assert {name: token.claims[name] for name in ("iss", "aud", "sub", "roles")} == {
        "iss": "https://usher.example", "aud": "usher", "sub": tokens.user, "roles": {},
    }  # fmt: skip
    assert len(token.claims["sid"]) == 26


async def test_forged_and_expired_tokens_are_refused(usher):
    tokens, _ = await usher.signed_in("ada@example.com")
    head, claims, signature = tokens.access_token.split(".")
    [row] = await usher.journal.find("signing_keys", {})
    own = SigningKey.from_pem(bytes(row["pem"]))
    issuer = "https://usher.example"
    bad = {
        TokenSigner(SigningKey.generate(), issuer).sign(tokens.user, {}): "TOKEN_INVALID",
        TokenSigner(own, "https://evil.example").sign(tokens.user, {}): "TOKEN_INVALID",
        TokenSigner(own, issuer, audience="other").sign(tokens.user, {}): "TOKEN_INVALID",
        TokenSigner(own, issuer).sign(tokens.user, {}, lifetime=timedelta(minutes=-1)): "TOKEN_EXPIRED",
        f"{head}.{claims}.{signature[::-1]}": "TOKEN_INVALID",
        f"{head}.{claims}.": "TOKEN_INVALID",
        "eyJhbGciOiJub25lIn0." + claims + ".": "TOKEN_INVALID",
        "not a token": "TOKEN_INVALID",
    }
    for token, reason in bad.items():
        metadata = (("authorization", f"Bearer {token}"),)
        refusal = await refused(usher.stub.GetUser(pb.GetUserRequest(name=tokens.user), metadata=metadata))
        assert (type(refusal), refusal.reason) == (Unauthenticated, reason), token
    await usher.stub.SignIn(
        pb.SignInRequest(email="ada@example.com", password=usher.PASSWORD), metadata=(("authorization", "Bearer old"),)
    )
