"""Users, sessions and organizers in MongoDB."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause, DomainEvent, Page
from mongo_store import (
    Index,
    Insert,
    JournalRow,
    MongoRepository,
    Replace,
    RequestRepeated,
    VersionConflict,
    Write,
)
from mongo_store.repository import Journaling
from resource_api import etag_of
from user_service.domain.domain_events import Role
from user_service.domain.organizers import Organizer, roles_of
from user_service.domain.secret_tokens import hash_of
from user_service.domain.sessions import Session, SessionState
from user_service.domain.users import User, key_of
from user_service.outbound.documents import (
    SESSION_SECRETS,
    USER_SECRETS,
    organizer_from_document,
    organizer_to_document,
    refresh_token_document,
    session_from_document,
    session_to_document,
    user_from_document,
    user_to_document,
)
from user_service.outbound.domain_events import encode

USERS, SESSIONS, REFRESH_TOKENS, ORGANIZERS = "users", "sessions", "refresh_tokens", "organizers"
INDEXES: Mapping[str, Sequence[Index]] = {
    USERS: [Index("email", [("email_key", 1)], unique=True), Index("by_link", [("link_hash", 1)])],
    SESSIONS: [
        Index("by_expiry", [("state", 1), ("expire_time", 1), ("_id", 1)]),
        # Their history stays in the journal.
        Index("forget_ended", [("end_time", 1)], expire_after=timedelta(days=90)),
    ],
    REFRESH_TOKENS: [Index("forget", [("forget_time", 1)], expire_after=timedelta())],
    ORGANIZERS: [Index("by_member", [("members.user", 1), ("_id", 1)])],
}


class MongoUsers(MongoRepository[User]):
    """user_service.domain.ports.UserRepository."""

    def __init__(self, journal: Journaling) -> None:
        super().__init__(
            journal,
            collection=USERS,
            to_document=user_to_document,
            from_document=user_from_document,
            encode=encode,
            etag_of=etag_of,
            unrecorded=USER_SECRETS,
        )

    async def create(self, aggregate: User, domain_events: Sequence[DomainEvent], *, cause: Cause) -> User:
        """AlreadyExists EMAIL_TAKEN."""
        try:
            return await super().create(aggregate, domain_events, cause=cause)
        except AlreadyExists as refusal:
            if refusal.metadata.get("index") != "email":
                raise
            raise AlreadyExists("EMAIL_TAKEN", "The address has an account already; sign in instead.") from None

    async def with_email(self, email: str) -> User | None:
        """The account of an address, without regard to case."""
        return await self.find_one({"email_key": key_of(email)})

    async def with_link(self, token: str) -> User | None:
        """The account whose latest verification link has this token."""
        return await self.find_one({"link_hash": hash_of(token)})

    async def note(self, cause: Cause) -> None:
        """Record that a request was served although nothing changed; reads and writes as often as a change does."""
        await self._journal.read(USERS, "users/nobody")
        with suppress(RequestRepeated):
            await self._journal.commit([], JournalRow(cause, ""))

    async def replace_hash(self, user: User, password_hash: str) -> None:
        """The same password hashed anew, at the same version; whoever changed the account meanwhile wins."""
        document = user_to_document(replace(user, password_hash=password_hash))
        write = Replace(USERS, {**document, "_id": user.name, "version": user.version}, user.version)
        cause = Cause(key=f"services/user|rehash|{new_id()}", actor="services/user")
        with suppress(VersionConflict, RequestRepeated):
            await self._journal.commit([write], JournalRow(cause, user.name))


class MongoSessions(MongoRepository[Session]):
    """user_service.domain.ports.SessionRepository."""

    def __init__(self, journal: Journaling) -> None:
        super().__init__(
            journal,
            collection=SESSIONS,
            to_document=session_to_document,
            from_document=session_from_document,
            encode=encode,
            beside=_new_token,
            unrecorded=SESSION_SECRETS,
        )

    async def with_token(self, token: str) -> Session | None:
        """The session that gave out a refresh token."""
        found = await self._journal.read(REFRESH_TOKENS, hash_of(token))
        return None if found is None else await self.find_one({"_id": found["session"]})

    async def expired(self, now: datetime, limit: int) -> Sequence[Session]:
        """Active sessions that were unused for too long, longest first."""
        idle = {"state": SessionState.ACTIVE.value, "expire_time": {"$lte": now}}
        return (await self.find_page(idle, sort=[("expire_time", 1)], limit=limit)).items


class MongoOrganizers(MongoRepository[Organizer]):
    """user_service.domain.ports.OrganizerRepository."""

    def __init__(self, journal: Journaling) -> None:
        super().__init__(
            journal,
            collection=ORGANIZERS,
            to_document=organizer_to_document,
            from_document=organizer_from_document,
            encode=encode,
            etag_of=etag_of,
        )

    async def of_member(self, user: str, *, after: tuple[Any, ...] | None, limit: int) -> Page[Organizer]:
        """Organizers a user is a member of, oldest first: their ids grow with time."""
        return await self.find_page({"members.user": user}, sort=[("_id", 1)], after=after, limit=limit)

    async def weightiest_roles(self, user: str, limit: int) -> Mapping[str, Role]:
        """Organizer name → role of the user: what they own first, then the longest-standing.

        Whoever adds somebody to many organizers cannot push the roles they have out of their token.
        """
        owned = {"members": {"$elemMatch": {"user": user, "role": Role.OWNER.value}}}
        roles: dict[str, Role] = {}
        for where in (owned, {"members.user": user}):
            found = await self.find_page(where, sort=[("_id", 1)], limit=limit)
            roles |= {name: role for name, role in roles_of(user, found.items).items() if len(roles) < limit}
        return dict(list(roles.items())[:limit])


def _new_token(before: Session | None, after: Session) -> Sequence[Write]:
    if before is not None and before.token_hash == after.token_hash:
        return ()
    forget_time = after.expire_time + timedelta(days=1)
    return (Insert(REFRESH_TOKENS, refresh_token_document(after.token_hash, after.name, forget_time)),)
