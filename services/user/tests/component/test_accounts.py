import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from domain_kit.refusals import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
    Unauthenticated,
)
from usher.user.v1 import user_pb2
from usher.user.v1 import user_service_pb2 as pb


async def test_somebody_registers_verifies_signs_in_and_reads_the_own_account(usher):
    user = await usher.register(
        "Ada@Example.com", time_zone="America/Toronto", language_code="fr-ca", country_code="CA"
    )
    assert (user.email, user.language_code, user.HasField("email_verify_time")) == ("Ada@Example.com", "fr-CA", False)
    verified = await usher.stub.VerifyEmail(
        pb.VerifyEmailRequest(password=usher.PASSWORD, token=await usher.link("Ada@Example.com"))
    )
    assert verified.HasField("email_verify_time")
    tokens = await usher.sign_in("ada@example.COM")
    assert (tokens.token_type, tokens.expires_in, tokens.user) == ("Bearer", 600, user.name)
    assert await usher.stub.GetUser(pb.GetUserRequest(name=user.name), metadata=usher.bearer(tokens)) == verified


async def test_registering_is_idempotent_by_request_id_and_a_changed_password_is_another_request(usher):
    first = await usher.register("ada@example.com", request_id="r1")
    assert await usher.register("ada@example.com", request_id="r1") == first
    with pytest.raises(InvalidArgument) as refusal:
        await usher.register("ada@example.com", request_id="r1", password="other kayaks in line")
    assert refusal.value.reason == "REQUEST_ID_REUSED"
    with pytest.raises(AlreadyExists) as taken:
        await usher.register("ADA@example.com", request_id="r2")
    assert taken.value.reason == "EMAIL_TAKEN"


async def test_parallel_registrations_of_one_address_make_one_account(usher):
    results = await asyncio.gather(*(usher.register("ada@example.com") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, user_pb2.User) for result in results) == 1
    assert {result.reason for result in results if isinstance(result, Exception)} == {"EMAIL_TAKEN"}


async def test_nothing_in_the_database_tells_a_password_or_lets_it_be_guessed_quickly(usher):
    """INVARIANT: what is stored of a password is its slow hash, once."""
    import hashlib

    await usher.register("ada@example.com", request_id="r1")
    await usher.stub.VerifyEmail(
        pb.VerifyEmailRequest(password=usher.PASSWORD, token=await usher.link("ada@example.com"))
    )
    tokens = await usher.sign_in("ada@example.com")
    rows = await usher.journal.find("journal", {})
    guess = pb.RegisterUserRequest(email="ada@example.com", password=usher.PASSWORD, display_name="Ada")
    fingerprint = hashlib.sha256(guess.SerializeToString(deterministic=True)).digest()
    assert fingerprint not in [bytes(row["fp"]) for row in rows]
    for secret in (usher.PASSWORD, "argon2id", tokens.access_token, tokens.refresh_token):
        assert secret not in repr(rows)
        assert secret.encode() not in b"".join(event["d"] for row in rows for event in row["ev"])


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"email": "no address"}, "FIELD_INVALID", "email"),
        ({"password": "short"}, "FIELD_INVALID", "password"),
        ({"password": "password123!"}, "PASSWORD_WEAK", "password"),
        ({"password": "ada@example.com"}, "PASSWORD_WEAK", "password"),
        ({"display_name": ""}, "FIELD_INVALID", "display_name"),
        ({"display_name": "\n"}, "FIELD_INVALID", "display_name"),
        ({"time_zone": "Mars/Olympus"}, "TIME_ZONE_UNKNOWN", "time_zone"),
        ({"language_code": "en-toolongsubtag"}, "FIELD_INVALID", "language_code"),
        ({"language_code": "en-a"}, "FIELD_INVALID", "language_code"),
        ({"language_code": "en-abc"}, "LANGUAGE_INVALID", "language_code"),
        ({"country_code": "ca"}, "FIELD_INVALID", "country_code"),
        ({"request_id": "a b"}, "FIELD_INVALID", "request_id"),
    ],
)
async def test_bad_input_is_refused_with_its_field_and_nothing_is_written(usher, fields, reason, field):
    with pytest.raises(InvalidArgument) as refusal:
        await usher.register(**{"email": "ada@example.com", **fields})
    assert (refusal.value.reason, refusal.value.violations[0].field) == (reason, field)
    assert [row for row in await usher.journal.find("journal", {}) if row["ev"]] == []
    assert await usher.journal.find("users", {}) == []


async def test_a_link_is_good_once_and_its_repeat_with_the_same_request_id_is_answered_again(usher):
    await usher.register("ada@example.com")
    token = await usher.link("ada@example.com")
    first = await usher.stub.VerifyEmail(pb.VerifyEmailRequest(password=usher.PASSWORD, token=token, request_id="v1"))
    assert (
        await usher.stub.VerifyEmail(pb.VerifyEmailRequest(password=usher.PASSWORD, token=token, request_id="v1"))
        == first
    )
    for other in (
        pb.VerifyEmailRequest(password=usher.PASSWORD, token=token),
        pb.VerifyEmailRequest(password=usher.PASSWORD, token="made up"),
    ):
        with pytest.raises(FailedPrecondition) as refusal:
            await usher.stub.VerifyEmail(other)
        assert refusal.value.reason == "VERIFICATION_TOKEN_INVALID"


async def test_a_request_id_of_somebody_else_does_not_open_their_answer(usher):
    await usher.register("ada@example.com")
    token = await usher.link("ada@example.com")
    await usher.stub.VerifyEmail(pb.VerifyEmailRequest(password=usher.PASSWORD, token=token, request_id="v1"))
    with pytest.raises((InvalidArgument, FailedPrecondition)):
        await usher.stub.VerifyEmail(pb.VerifyEmailRequest(password=usher.PASSWORD, token="made up", request_id="v1"))


async def test_resending_answers_the_same_for_known_and_unknown_addresses(usher):
    await usher.register("ada@example.com")
    first = await usher.link("ada@example.com")
    for email in ("ada@example.com", "eve@example.com"):
        answer = await usher.stub.ResendVerification(pb.ResendVerificationRequest(email=email))
        assert answer == pb.ResendVerificationResponse()
    assert await usher.link("ada@example.com") != first


async def test_a_profile_is_changed_by_mask_and_guarded_by_its_etag(usher):
    tokens, me = await usher.signed_in("ada@example.com")
    before = await usher.stub.GetUser(pb.GetUserRequest(name=tokens.user), metadata=me)
    patch = user_pb2.User(name=tokens.user, time_zone="Europe/London", display_name="ignored", etag=before.etag)
    mask = FieldMask(paths=["time_zone", "preferences.marketing_email"])
    after = await usher.stub.UpdateUser(pb.UpdateUserRequest(user=patch, update_mask=mask), metadata=me)
    assert (after.time_zone, after.display_name, after.preferences.reminder_email) == ("Europe/London", "Ada", True)
    assert after.etag != before.etag
    with pytest.raises(Aborted) as refusal:
        await usher.stub.UpdateUser(pb.UpdateUserRequest(user=patch, update_mask=mask), metadata=me)
    assert refusal.value.reason == "ETAG_MISMATCH"


@pytest.mark.parametrize(
    ("patch", "paths", "reason", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, [], "TIME_ZONE_UNKNOWN", "user.time_zone"),
        ({}, ["display_name"], "FIELD_INVALID", "user.display_name"),
        ({}, ["nickname"], "UPDATE_MASK_INVALID", "update_mask"),
        ({"country_code": "Canada"}, [], "FIELD_INVALID", "user.country_code"),
    ],
)
async def test_a_bad_change_is_refused_with_its_field(usher, patch, paths, reason, field):
    tokens, me = await usher.signed_in("ada@example.com")
    request = pb.UpdateUserRequest(user=user_pb2.User(name=tokens.user, **patch), update_mask=FieldMask(paths=paths))
    with pytest.raises(InvalidArgument) as refusal:
        await usher.stub.UpdateUser(request, metadata=me)
    assert (refusal.value.reason, refusal.value.violations[0].field) == (reason, field)


async def test_an_account_is_its_users_alone(usher):
    ada, _ = await usher.signed_in("ada@example.com")
    _, eve = await usher.signed_in("eve@example.com")
    requests = [
        (usher.stub.GetUser, pb.GetUserRequest(name=ada.user)),
        (usher.stub.UpdateUser, pb.UpdateUserRequest(user=user_pb2.User(name=ada.user, display_name="Eve"))),
    ]
    for rpc, request in requests:
        with pytest.raises(PermissionDenied):
            await rpc(request, metadata=eve)
        with pytest.raises(Unauthenticated):
            await rpc(request)
