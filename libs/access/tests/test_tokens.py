"""Access tokens: only what the user service signed for us, and only while it is valid."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from access import Principal, Role, SigningKey, StaticKeys, TokenSigner, TokenVerifier
from domain_kit.refusals import Unauthenticated

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)
ROLES = {"organizers/o": Role.OWNER}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def signer(key: SigningKey, time: Time) -> TokenSigner:
    return TokenSigner(key, "issuer", clock=time)


@pytest.fixture
def verifier(key: SigningKey, time: Time) -> TokenVerifier:
    return TokenVerifier(StaticKeys([key]), issuer="issuer", clock=time)


async def reason_for(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(token)
    return caught.value.reason


async def test_what_was_signed_is_what_is_verified(signer, verifier):
    token = signer.sign("users/ada", ROLES, session="s1")
    expected = Principal("users/ada", NOW + timedelta(minutes=10), "s1", ROLES)
    assert await verifier.verify(token) == expected
    assert await verifier.verify(token) == expected, "the remembered one is the same"


async def test_a_token_expires_even_when_it_was_verified_before(signer, verifier, time):
    token = signer.sign("users/ada", {})
    await verifier.verify(token)
    time.now += timedelta(minutes=10, seconds=6)
    assert await reason_for(verifier, token) == "TOKEN_EXPIRED"


async def test_a_key_taken_out_of_use_counts_for_a_minute_at_most(signer, key, time):
    keys = StaticKeys([key])
    verifier = TokenVerifier(keys, issuer="issuer", clock=time)
    token = signer.sign("users/ada", {})
    await verifier.verify(token)
    keys.replace([SigningKey.generate()])
    time.now += timedelta(seconds=61)
    assert await reason_for(verifier, token) == "TOKEN_INVALID"


async def test_tokens_for_others_by_others_or_changed_on_the_way_are_invalid(signer, key, verifier, time):
    good = signer.sign("users/ada", {})
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    promoted = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "users/root"}).encode()).rstrip(b"=").decode()
    for token in (
        TokenSigner(key, "someone else", clock=time).sign("users/ada", {}),
        TokenSigner(key, "issuer", audience="other", clock=time).sign("users/ada", {}),
        TokenSigner(SigningKey.generate(), "issuer", clock=time).sign("users/ada", {}),
        signer.sign("services/x", {}),
        f"{head}.{promoted}.{signature}",
        "",
        "not a token",
        "a.b.c",
        "é",
        "x" * 20_000,
    ):
        assert await reason_for(verifier, token) == "TOKEN_INVALID", token[:40]


async def test_a_token_cannot_choose_a_weaker_algorithm(key, signer, verifier):
    claims = json.loads(base64.urlsafe_b64decode(signer.sign("users/ada", {}).split(".")[1] + "=="))
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": key.kid}).encode()).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    public = json.dumps(key.public()).encode()
    symmetric = jwt.encode({"alg": "HS256", "kid": key.kid}, claims, OctKey.import_key(public))
    assert await reason_for(verifier, f"{none}.{body}.") == "TOKEN_INVALID"
    assert await reason_for(verifier, symmetric) == "TOKEN_INVALID"


async def test_a_role_this_version_does_not_know_gives_nothing(key, verifier, time):
    claims = {
        "iss": "issuer",
        "aud": ["usher"],
        "sub": "users/ada",
        "exp": int(NOW.timestamp()) + 60,
        "roles": {"organizers/o": "EMPEROR", "organizers/p": "VIEWER"},
    }
    token = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key.private)
    assert (await verifier.verify(token)).roles == {"organizers/p": Role.VIEWER}


async def test_no_more_tokens_are_remembered_than_allowed(signer, key, time):
    verifier = TokenVerifier(StaticKeys([key]), issuer="issuer", clock=time, remember_most=2)
    for number in range(5):
        await verifier.verify(signer.sign(f"users/{number}", {}))
    assert len(verifier._verified) == 2


def test_a_key_survives_its_pem_form_and_its_id_is_the_thumbprint(key):
    again = SigningKey.from_pem(key.to_pem())
    assert again.public() == key.public()
    assert "d" not in key.public()
