"""A service that fetches keys keeps working while their source is away, and asks it no more often than needed."""

import asyncio

import pytest

from access import JwksSource, SigningKey, public_key_set
from domain_kit.refusals import Unavailable


class Source:
    """A key set over there."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.asked = 0
        self.away = False

    async def __call__(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("UPSTREAM_UNAVAILABLE", "away")
        return public_key_set(self.keys)


class Ticks:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Cache:
    """A KeyCache."""

    def __init__(self, kept: bytes | None = None) -> None:
        self.kept = kept

    async def load(self) -> bytes | None:
        return self.kept

    async def save(self, key_set: bytes) -> None:
        self.kept = key_set


async def test_many_at_once_ask_once():
    key = SigningKey.generate()
    source = Source(key)
    keys = JwksSource(source)
    found = await asyncio.gather(*(keys.key(key.kid) for _ in range(20)))
    assert all(found)
    assert source.asked == 1


async def test_a_rotated_key_is_found_and_unknown_ids_cannot_make_it_ask_all_the_time():
    old, new, ticks = SigningKey.generate(), SigningKey.generate(), Ticks()
    source = Source(old)
    keys = JwksSource(source, clock=ticks, min_interval=5)
    await keys.key(old.kid)
    source.keys = (old, new)
    assert await keys.key(new.kid) is None, "too soon after the last fetch"
    ticks.now += 6
    assert await keys.key(new.kid) is not None
    for number in range(10):
        assert await keys.key(f"made up {number}") is None
    assert source.asked == 2


async def test_the_last_good_set_stays_in_use_while_the_source_is_away():
    key, ticks = SigningKey.generate(), Ticks()
    source = Source(key)
    keys = JwksSource(source, clock=ticks, max_age=300)
    await keys.key(key.kid)
    source.away = True
    for _ in range(3):
        ticks.now += 1000
        assert await keys.key(key.kid) is not None
        await asyncio.sleep(0)  # lets the fetch in the background begin
    await keys.close()
    assert source.asked > 1


async def test_keys_kept_from_before_a_restart_serve_until_the_source_answers():
    key, other = SigningKey.generate(), SigningKey.generate()
    source, cache = Source(other), Cache(public_key_set([key]))
    source.away = True
    keys = JwksSource(source, cache=cache)
    assert await keys.key(key.kid) is not None
    await keys.close()
    source.away = False
    assert await JwksSource(source, cache=cache).key(other.kid) is not None
    assert cache.kept == public_key_set([other])


@pytest.mark.parametrize("kept", [b"", b"{", b'{"keys": 3}', b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "x"}]}'])
async def test_a_spoilt_copy_is_ignored(kept):
    key = SigningKey.generate()
    assert await JwksSource(Source(key), cache=Cache(kept)).key(key.kid) is not None


async def test_without_any_keys_it_says_that_it_cannot_know():
    source = Source()
    source.away = True
    with pytest.raises(Unavailable, match="KEYS_UNAVAILABLE"):
        await JwksSource(source).key("x")


async def test_an_empty_set_never_replaces_a_good_one():
    key, ticks = SigningKey.generate(), Ticks()
    source = Source(key)
    keys = JwksSource(source, clock=ticks)
    await keys.key(key.kid)
    source.keys, ticks.now = (), ticks.now + 10
    assert await keys.key("unknown") is None
    assert await keys.key(key.kid) is not None


@pytest.mark.parametrize("failure", [Exception("INTERNAL: broken"), KeyError("keys"), ValueError("no JSON")])
async def test_however_the_source_fails_callers_hear_that_keys_are_not_known_and_the_last_set_stays(failure):
    key, ticks = SigningKey.generate(), Ticks()
    source = Source(key)

    async def fetch() -> bytes:
        if source.away:
            raise failure
        return await source()

    source.away = True
    keys = JwksSource(fetch, clock=ticks)
    with pytest.raises(Unavailable):
        await keys.key(key.kid)
    source.away, ticks.now = False, ticks.now + 10
    assert await keys.key(key.kid) is not None
    source.away, ticks.now = True, ticks.now + 1000
    assert await keys.key("unknown") is None
    assert await keys.key(key.kid) is not None
