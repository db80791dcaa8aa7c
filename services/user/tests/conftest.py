"""A user service in parts: repositories over the in-memory journal, a clock that stands still, fast hashing."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain_kit.repository import Cause
from testkit.engines import mongo_engine
from testkit.memory import MemoryJournal, MemoryOutbox
from user_service.composition import common_passwords
from user_service.domain.domain_events import Role
from user_service.domain.lockout import Failures, LockoutPolicy
from user_service.domain.ports import AccessToken, Tokens
from user_service.domain.profiles import OrganizerProfile, Profile
from user_service.domain.sessions import Session, SessionLimits
from user_service.domain.users import User
from user_service.handlers.create_organizer import create_organizer
from user_service.handlers.refresh_tokens import refresh_tokens
from user_service.handlers.register_user import register_user
from user_service.handlers.sign_in import sign_in
from user_service.handlers.turns import Turns
from user_service.handlers.verify_email import verify_email
from user_service.outbound.repositories import INDEXES, MongoOrganizers, MongoSessions, MongoUsers
from usher.user.v1 import domain_events_pb2

PASSWORD = "seven kayaks in line"


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **period: float) -> None:
        self.now += timedelta(**period)


class PlainPasswords:
    """Hashes that cost nothing; counts what it was asked."""

    def __init__(self) -> None:
        self.verified: list[str] = []
        self.prefix = "plain:"

    async def hash(self, password: str) -> str:
        return self.prefix + password

    async def verify(self, password_hash: str, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash.partition(":")[2] == password and bool(password_hash)

    def outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(self.prefix)


class MemoryFailures:
    """SignInFailures in a dictionary."""

    def __init__(self) -> None:
        self.found: dict[str, Failures] = {}

    async def of(self, email_key: str) -> Failures | None:
        return self.found.get(email_key)

    async def add(self, email_key: str, now: datetime) -> None:
        earlier = self.found.get(email_key)
        self.found[email_key] = Failures(earlier.count + 1 if earlier else 1, now)

    async def clear(self, email_key: str) -> None:
        self.found.pop(email_key, None)


class PlainAccessTokens:
    """Tokens that say whose they are."""

    async def issue(self, session: Session) -> AccessToken:
        return AccessToken(f"access of {session.user}", 600)


@dataclass
class Parts:
    """What handlers are called with, and the calls tests make often."""

    clock: HandClock = field(default_factory=HandClock)
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    failures: MemoryFailures = field(default_factory=MemoryFailures)
    limits: SessionLimits = field(
        default_factory=lambda: SessionLimits(idle=timedelta(days=30), retry=timedelta(seconds=5))
    )
    lockout: LockoutPolicy = field(default_factory=LockoutPolicy)
    turns: Turns = field(default_factory=Turns)
    journal: Any = None

    _numbers = itertools.count(1)

    def __post_init__(self) -> None:
        self.journal = self.journal or MemoryJournal(self.clock, indexes=INDEXES)
        self.users = MongoUsers(self.journal)
        self.sessions = MongoSessions(self.journal)
        self.organizers = MongoOrganizers(self.journal)
        self.outbox = MemoryOutbox(self.journal)

    def cause(self, key: str = "", fingerprint: bytes = b"same") -> Cause:
        return Cause(key or f"cause-{next(self._numbers)}", fingerprint, "users/a")

    async def register(self, email: str = "ada@example.com", *, cause: Cause | None = None, **profile: Any) -> User:
        profile.setdefault("display_name", "Ada")
        return await register_user(
            self.users,
            self.passwords,
            common_passwords(),
            email=email,
            password=PASSWORD,
            profile=Profile(**profile),
            cause=cause or self.cause(),
            now=self.clock(),
        )

    async def links(self) -> list[str]:
        """Tokens of all links that were to be mailed, in order."""
        return [
            domain_events_pb2.EmailVerificationRequested.FromString(event.payload).token
            async for event in self.outbox.everything()
            if event.type.endswith("EmailVerificationRequested")
        ]

    async def verified(self, email: str = "ada@example.com") -> User:
        await self.register(email)
        return await self.verify((await self.links())[-1])

    async def verify(self, token: str, password: str = PASSWORD, cause: Cause | None = None) -> User:
        cause = cause or self.cause()
        return await verify_email(
            self.users, self.passwords, common_passwords(), token=token, password=password, cause=cause,
            now=self.clock(),
        )  # fmt: skip

    async def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> Tokens:
        return await sign_in(
            self.users,
            self.sessions,
            self.failures,
            self.passwords,
            PlainAccessTokens(),
            self.turns,
            email=email,
            password=password,
            lockout=self.lockout,
            limits=self.limits,
            cause=self.cause(),
            now=self.clock(),
        )

    async def refresh(self, token: str) -> Tokens:
        return await refresh_tokens(
            self.sessions,
            PlainAccessTokens(),
            token=token,
            limits=self.limits,
            cause=self.cause(),
            now=self.clock(),
        )

    async def organizer(self, owner: str, name: str = "Club") -> Any:
        profile = OrganizerProfile(display_name=name, time_zone="America/Toronto", country_code="CA")
        return await create_organizer(
            self.organizers, profile=profile, owner=owner, cause=self.cause(), now=self.clock()
        )

    async def types(self) -> list[str]:
        """Short names of all domain events so far."""
        return [event.type.rpartition(".")[2] async for event in self.outbox.everything()]

    Role = Role
    PASSWORD = PASSWORD


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


def _aggregates() -> Any:
    """Hypothesis strategies of every aggregate with every field drawn."""
    from hypothesis import strategies as st

    from user_service.domain.domain_events import EndReason, Member
    from user_service.domain.organizers import Organizer
    from user_service.domain.profiles import Preferences
    from user_service.domain.users import Verification

    text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
    ids = st.from_regex(r"[a-z0-9]{26}", fullmatch=True)
    # BSON and Timestamp both hold milliseconds; the epoch itself reads as not set on the wire.
    times = st.integers(1, 4_000_000_000_000).map(
        lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
    )
    maybe = st.none() | times
    profiles = st.builds(
        Profile,
        display_name=text,
        language_code=text,
        time_zone=text,
        country_code=text,
        preferences=st.builds(Preferences, marketing_email=st.booleans(), reminder_email=st.booleans()),
    )
    organizer_profiles = st.builds(
        OrganizerProfile, display_name=text, time_zone=text, country_code=text, homepage_uri=text
    )
    users = st.builds(
        User,
        name=ids.map("users/{}".format),
        email=text,
        profile=profiles,
        verification=st.builds(
            Verification, token_hash=text, expire_time=times, sent_times=st.lists(times, max_size=3).map(tuple)
        ),
        create_time=times,
        update_time=times,
        email_verify_time=maybe,
        password_hash=text,
        version=st.integers(1, 2**31),
    )
    ends = st.just((None, None)) | st.tuples(times, st.sampled_from(EndReason))
    sessions = ends.flatmap(
        lambda end: st.builds(
            Session,
            name=ids.map("users/u/sessions/{}".format),
            user=ids.map("users/{}".format),
            token_hash=text,
            previous_hash=text,
            salt=st.binary(max_size=32),
            create_time=times,
            refresh_time=times,
            expire_time=times,
            end_time=st.just(end[0]),
            end_reason=st.just(end[1]),
            version=st.integers(1, 2**31),
        )
    )
    members = st.builds(Member, user=ids.map("users/{}".format), role=st.sampled_from(Role), create_time=times)
    organizers = st.builds(
        Organizer,
        name=ids.map("organizers/{}".format),
        profile=organizer_profiles,
        members=st.lists(members, max_size=4).map(tuple),
        create_time=times,
        update_time=times,
        version=st.integers(1, 2**31),
    )
    return {
        "profiles": profiles,
        "organizer_profiles": organizer_profiles,
        "users": users,
        "sessions": sessions,
        "members": members,
        "organizers": organizers,
    }


@pytest.fixture(scope="session")
def aggregates() -> Any:
    return _aggregates()
