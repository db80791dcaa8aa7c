"""What the service's stores promise, on the fake and on MongoDB alike."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from access import TokenSigner, TokenVerifier
from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists
from mongo_store import Journal, MongoOutbox, open_database
from mongo_store.schema import prepare
from user_service.composition import SCHEMA
from user_service.domain.key_rotation import RotationPolicy
from user_service.domain.lockout import Failures
from user_service.outbound.sign_in_failures import MongoSignInFailures
from user_service.outbound.signing_keys import SigningKeys


@asynccontextmanager
async def fresh_database(mongo_uri):
    async with open_database(mongo_uri, f"test_{new_id()}") as database:
        await prepare(database, SCHEMA)
        yield database
        await database.client.drop_database(database.name)


@pytest.fixture
async def database(mongo_uri):
    async with fresh_database(mongo_uri) as database:
        yield database


@pytest.fixture(params=["memory", "mongo"])
async def stored(request, parts):
    if request.param == "memory":
        yield parts
        return
    async with fresh_database(request.getfixturevalue("mongo_uri")) as database:
        journal = Journal(database, parts.clock)
        parts = type(parts)(clock=parts.clock, journal=journal)
        parts.outbox = MongoOutbox(journal)
        yield parts


async def test_accounts_are_found_by_address_and_by_link(stored):
    user = await stored.register("Ada@Example.com")
    [token] = await stored.links()
    assert await stored.users.with_email(" ada@EXAMPLE.com") == user == await stored.users.with_link(token)
    assert await stored.users.with_email("eve@example.com") is None
    assert await stored.users.with_link("made up") is None


async def test_of_parallel_registrations_of_one_address_one_succeeds(stored):
    """INVARIANT: an address has one account."""
    results = await asyncio.gather(*(stored.register() for _ in range(10)), return_exceptions=True)
    refusals = [result for result in results if isinstance(result, Exception)]
    assert len(refusals) == 9
    assert {(type(refusal), refusal.reason) for refusal in refusals} == {(AlreadyExists, "EMAIL_TAKEN")}


async def test_a_session_is_found_by_every_token_it_gave_out(stored):
    await stored.verified()
    first = await stored.sign_in()
    second = await stored.refresh(first.refresh_token)
    sessions = [await stored.sessions.with_token(each.refresh_token) for each in (first, second)]
    assert sessions[0] == sessions[1]
    assert await stored.sessions.with_token("made up") is None


async def test_twenty_parallel_refreshes_with_one_token_trade_it_once(stored):
    """INVARIANT: one token is traded once."""
    await stored.verified()
    tokens = await stored.sign_in()
    answers = await asyncio.gather(*(stored.refresh(tokens.refresh_token) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await stored.types()).count("SessionRefreshed") == 1


async def test_twenty_refreshes_over_two_replicas_trade_a_token_once(stored):
    """INVARIANT: one token is traded once, also where no process knows of the other."""
    await stored.verified()
    tokens = await stored.sign_in()
    other = type(stored)(clock=stored.clock, journal=stored.journal)
    answers = await asyncio.gather(*((stored, other)[n % 2].refresh(tokens.refresh_token) for n in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await stored.types()).count("SessionRefreshed") == 1


async def test_expired_sessions_are_found_and_ended_ones_are_not(stored):
    await stored.verified()
    await stored.sign_in()
    assert await stored.sessions.expired(stored.clock(), 10) == []
    stored.clock.move(days=31)
    [session] = await stored.sessions.expired(stored.clock(), 10)
    await stored.sessions.update(session.name, lambda current: current.expire(stored.clock()), cause=stored.cause())
    assert await stored.sessions.expired(stored.clock(), 10) == []


async def test_organizers_of_a_member_come_in_pages_oldest_first(stored):
    made = [(await stored.organizer("users/ada", f"Club {number}")).name for number in range(5)]
    await stored.organizer("users/bob")
    seen, after = [], None
    while True:
        page = await stored.organizers.of_member("users/ada", after=after, limit=2)
        seen += [organizer.name for organizer in page.items]
        after = page.following
        if after is None:
            break
    assert seen == sorted(made)
    assert list(await stored.organizers.weightiest_roles("users/ada", 2)) == sorted(made)[:2]


async def test_a_new_hash_is_stored_unless_the_account_moved_on(stored):
    user = await stored.verified()
    await stored.users.replace_hash(user, "newer")
    assert (await stored.users.get(user.name)).password_hash == "newer"
    profile = user.profile
    from dataclasses import replace

    await stored.users.update(
        user.name,
        lambda current: current.edit(replace(profile, country_code="CA"), stored.clock()),
        cause=stored.cause(),
    )
    await stored.users.replace_hash(user, "too late")
    assert (await stored.users.get(user.name)).password_hash == "newer"


async def test_replicas_that_start_together_sign_with_one_key(stored):
    rings = [SigningKeys(stored.journal, stored.clock) for _ in range(6)]
    await asyncio.gather(*(ring.load() for ring in rings))
    assert len({ring.signing().kid for ring in rings}) == 1
    assert len({ring.key_set() for ring in rings}) == 1


async def test_a_token_signed_before_a_rotation_is_good_after_it(stored):
    policy = RotationPolicy()
    ring, other = (SigningKeys(stored.journal, stored.clock, policy) for _ in range(2))
    await ring.load()
    verifier = TokenVerifier(ring.verifying, issuer="us", clock=stored.clock, remember=0)
    stored.clock.move(days=30)
    await asyncio.gather(ring.load(), other.load())
    stored.clock.move(minutes=14, seconds=59)
    signer = TokenSigner(ring.signing(), "us", clock=stored.clock)
    old = signer.sign("users/a", {})
    stored.clock.move(seconds=1)
    signer.key = ring.signing()
    await ring.load()
    new = signer.sign("users/a", {})
    assert old.split(".")[0] != new.split(".")[0]
    for token in (old, new):
        assert (await verifier.verify(token)).user == "users/a"
    assert other.signing().kid == ring.signing().kid


async def test_parallel_failures_are_all_counted(database, clock):
    failures = MongoSignInFailures(database, timedelta(hours=24))
    await asyncio.gather(*(failures.add("a@b.ca", clock()) for _ in range(10)))
    assert await failures.of("a@b.ca") == Failures(10, clock())
    assert await failures.of("b@b.ca") is None
    await failures.clear("a@b.ca")
    assert await failures.of("a@b.ca") is None


async def test_old_failures_are_forgotten_when_a_new_one_is_counted(database, clock):
    failures = MongoSignInFailures(database, timedelta(hours=24))
    await failures.add("a@b.ca", clock())
    clock.move(hours=24)
    await failures.add("a@b.ca", clock())
    assert await failures.of("a@b.ca") == Failures(1, clock())
