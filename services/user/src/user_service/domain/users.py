"""A person with an account: registered, then verified by a link mailed to the address."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from domain_kit.refusals import FailedPrecondition
from domain_kit.state_table import StateTable
from user_service.domain.domain_events import (
    EmailVerificationRequested,
    EmailVerified,
    UserEvent,
    UserRegistered,
    UserUpdated,
)
from user_service.domain.profiles import Profile, changed_paths
from user_service.domain.secret_tokens import hash_of

LINK_LIFETIME = timedelta(hours=24)
# So that nobody's mailbox is flooded through us: this many links in the period, the one at registration included.
LINKS_AT_MOST = 5
LINKS_PERIOD = timedelta(hours=1)


class UserState(Enum):
    """Whether the address is proved."""

    UNVERIFIED = "UNVERIFIED"
    VERIFIED = "VERIFIED"


class UserAction(Enum):
    """What moves a user between the states."""

    REQUEST_LINK = "REQUEST_LINK"
    VERIFY = "VERIFY"


USER_TABLE: StateTable[UserState, UserAction] = StateTable(
    "user",
    {
        (UserState.UNVERIFIED, UserAction.REQUEST_LINK): UserState.UNVERIFIED,
        (UserState.UNVERIFIED, UserAction.VERIFY): UserState.VERIFIED,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The link mailed last, and when links were mailed lately."""

    token_hash: str = field(repr=False)
    expire_time: datetime
    sent_times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. `email` is as given; `email_key` is what is unique. `password_hash` is argon2id in PHC form."""

    name: str
    email: str
    profile: Profile
    verification: Verification
    create_time: datetime
    update_time: datetime
    email_verify_time: datetime | None = None
    password_hash: str = field(default="", repr=False)
    version: int = 0

    @property
    def email_key(self) -> str:
        """The address without regard to case."""
        return key_of(self.email)

    @property
    def state(self) -> UserState:
        """Whether the address is proved."""
        return UserState.VERIFIED if self.email_verify_time else UserState.UNVERIFIED

    def request_link(self, token: str, now: datetime) -> tuple["User", list[UserEvent]]:
        """A new link ends the one before. Nothing happens when the address is proved or links were mailed too often."""
        lately = tuple(time for time in self.verification.sent_times if time > now - LINKS_PERIOD)
        if not USER_TABLE.allows(self.state, UserAction.REQUEST_LINK) or len(lately) >= LINKS_AT_MOST:
            return self, []
        verification, event = link(token, now, lately)
        return dataclasses.replace(self, verification=verification, update_time=now), [event]

    def verify(self, token: str, password_hash: str, now: datetime) -> tuple["User", list[UserEvent]]:
        """The address is proved, and who proved it decides the password: a stranger may have registered it.

        FailedPrecondition VERIFICATION_TOKEN_INVALID: used, superseded or too old.
        """
        right = self.verification.token_hash == hash_of(token) and now < self.verification.expire_time
        if not right or not USER_TABLE.allows(self.state, UserAction.VERIFY):
            raise token_invalid()
        verified = dataclasses.replace(self, password_hash=password_hash, email_verify_time=now, update_time=now)
        return verified, [EmailVerified()]

    def edit(self, profile: Profile, now: datetime) -> tuple["User", list[UserEvent]]:
        """Another profile; InvalidArgument with the path below `user`."""
        profile = profile.checked("user.")
        paths = changed_paths(self.profile, profile)
        if not paths:
            return self, []
        return dataclasses.replace(self, profile=profile, update_time=now), [UserUpdated(tuple(paths))]


def register(
    name: str, email: str, profile: Profile, *, password_hash: str, token: str, now: datetime
) -> tuple[User, list[UserEvent]]:
    """A new account and its first link."""
    verification, event = link(token, now, ())
    user = User(
        name=name,
        email=email.strip(),
        profile=profile.checked(),
        verification=verification,
        create_time=now,
        update_time=now,
        password_hash=password_hash,
    )
    return user, [UserRegistered(), event]


def link(token: str, now: datetime, earlier: tuple[datetime, ...]) -> tuple[Verification, EmailVerificationRequested]:
    """What is stored of a link, and the domain event that carries its token to the mail."""
    expire_time = now + LINK_LIFETIME
    verification = Verification(token_hash=hash_of(token), expire_time=expire_time, sent_times=(*earlier, now))
    return verification, EmailVerificationRequested(token, expire_time)


def key_of(email: str) -> str:
    """What makes an address unique: all of it without regard to case.

    RFC 5321 section 2.4 allows local parts that differ by case alone; no mail provider gives them to two people.
    """
    return email.strip().casefold()


def token_invalid() -> FailedPrecondition:
    """The one refusal for every token that does not verify."""
    reason = "The link is unknown, was used, or is older than a day; ask for a new one."
    return FailedPrecondition("VERIFICATION_TOKEN_INVALID", reason)
