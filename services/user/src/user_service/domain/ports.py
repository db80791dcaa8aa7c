"""What the handlers need of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from domain_kit.repository import Cause, Page, Repository
from user_service.domain.domain_events import Role
from user_service.domain.lockout import Failures
from user_service.domain.organizers import Organizer
from user_service.domain.sessions import Session
from user_service.domain.users import User


class UserRepository(Repository[User], Protocol):
    """Accounts; `create` refuses a taken address with AlreadyExists EMAIL_TAKEN."""

    async def with_email(self, email: str) -> User | None:
        """The account of an address, without regard to case."""

    async def with_link(self, token: str) -> User | None:
        """The account whose latest verification link has this token."""

    async def note(self, cause: Cause) -> None:
        """Record that a request was served although nothing changed; costs what a change costs."""

    async def replace_hash(self, user: User, password_hash: str) -> None:
        """The same password hashed anew; nothing happens if the password has been changed meanwhile."""


class SessionRepository(Repository[Session], Protocol):
    """Sessions, found by any refresh token they ever gave out."""

    async def with_token(self, token: str) -> Session | None:
        """The session that gave out a refresh token."""

    async def expired(self, now: datetime, limit: int) -> Sequence[Session]:
        """Active sessions that were unused for too long."""


class OrganizerRepository(Repository[Organizer], Protocol):
    """Organizers with their members."""

    async def of_member(self, user: str, *, after: tuple[Any, ...] | None, limit: int) -> Page[Organizer]:
        """Organizers a user is a member of, oldest first."""

    async def weightiest_roles(self, user: str, limit: int) -> Mapping[str, Role]:
        """Organizer name → role of the user: what they own first, then the longest-standing."""


class SignInFailures(Protocol):
    """Wrong passwords in a row by address, known or not."""

    async def of(self, email_key: str) -> Failures | None:
        """Those not forgotten."""

    async def add(self, email_key: str, now: datetime) -> None:
        """One more."""

    async def clear(self, email_key: str) -> None:
        """The right password was given."""


class PasswordHasher(Protocol):
    """Slow, salted hashes of passwords. Unavailable BULKHEAD_FULL when too many wait already."""

    async def hash(self, password: str) -> str:
        """A new hash."""

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether it is the password; as slow for an empty hash, which no password has."""

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than new ones are."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token and the seconds it lasts."""

    token: str = field(repr=False)
    expires_in: int


class AccessTokens(Protocol):
    """Signs access tokens."""

    async def issue(self, session: Session) -> AccessToken:
        """A token for the session's user with the roles of this moment."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets when it signs in or refreshes. Never stored."""

    access: AccessToken
    refresh_token: str = field(repr=False)
    user: str
