"""A session: a family of refresh tokens of which only the latest counts (RFC 9700 section 4.14.2)."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from domain_kit.refusals import Unauthenticated
from domain_kit.state_table import StateTable
from user_service.domain.domain_events import EndReason, SessionEnded, SessionEvent, SessionRefreshed, SessionStarted
from user_service.domain.secret_tokens import hash_of, successor_of


class SessionState(Enum):
    """Whether tokens can be had from it."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class SessionAction(Enum):
    """What moves a session between the states."""

    REFRESH = "REFRESH"
    END = "END"


SESSION_TABLE: StateTable[SessionState, SessionAction] = StateTable(
    "session",
    {
        (SessionState.ACTIVE, SessionAction.REFRESH): SessionState.ACTIVE,
        (SessionState.ACTIVE, SessionAction.END): SessionState.ENDED,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """idle: unused for so long it ends. retry: how long a lost answer can be had again with the token traded for it."""

    idle: timedelta
    retry: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`token_hash` is of the refresh token that counts, `previous_hash` of the one traded for it with `salt`."""

    name: str
    user: str
    token_hash: str = field(repr=False)
    previous_hash: str = field(default="", repr=False)
    salt: bytes = field(default=b"", repr=False)
    create_time: datetime
    refresh_time: datetime
    expire_time: datetime
    end_time: datetime | None = None
    end_reason: EndReason | None = None
    version: int = 0

    @property
    def state(self) -> SessionState:
        """Whether tokens can be had from it."""
        return SessionState.ENDED if self.end_time else SessionState.ACTIVE

    def refresh(
        self, token: str, salt: bytes, now: datetime, limits: SessionLimits
    ) -> tuple["Session", list[SessionEvent]]:
        """Trade a token of this session.

        The latest is replaced by its successor under `salt`. The one before it changes nothing for `limits.retry`: its
        holder gets the same successor again, from `successor` of the result. Any other, or that one later, has been
        used before, so somebody else may hold it: the session ends. So it does when it was unused for too long.
        """
        if not SESSION_TABLE.allows(self.state, SessionAction.REFRESH):
            return self, []
        if now >= self.expire_time:
            return self.end(EndReason.EXPIRED, now)
        presented = hash_of(token)
        if presented == self.token_hash:
            refreshed = dataclasses.replace(
                self,
                token_hash=hash_of(successor_of(token, salt)),
                previous_hash=presented,
                salt=salt,
                refresh_time=now,
                expire_time=now + limits.idle,
            )
            return refreshed, [SessionRefreshed()]
        if presented == self.previous_hash and now < self.refresh_time + limits.retry:
            return self, []
        return self.end(EndReason.TOKEN_REUSED, now)

    def successor(self, token: str) -> str:
        """The token that `token` was traded for. Unauthenticated, by what ended the session."""
        if self.end_time is None and hash_of(token) == self.previous_hash:
            return successor_of(token, self.salt)
        if self.end_reason is EndReason.TOKEN_REUSED:
            raise Unauthenticated(
                "REFRESH_TOKEN_REUSED", "The refresh token was used before, so its session was ended; sign in again."
            )
        raise refresh_token_invalid()

    def end(self, reason: EndReason, now: datetime) -> tuple["Session", list[SessionEvent]]:
        """No more tokens from it; ending twice is one end."""
        if not SESSION_TABLE.allows(self.state, SessionAction.END):
            return self, []
        return dataclasses.replace(self, end_time=now, end_reason=reason), [SessionEnded(reason)]

    def expire(self, now: datetime) -> tuple["Session", list[SessionEvent]]:
        """It ends if it was unused for too long."""
        return self.end(EndReason.EXPIRED, now) if now >= self.expire_time else (self, [])


def start(name: str, user: str, token: str, now: datetime, limits: SessionLimits) -> tuple[Session, list[SessionEvent]]:
    """A new session whose first refresh token is `token`."""
    session = Session(
        name=name,
        user=user,
        token_hash=hash_of(token),
        create_time=now,
        refresh_time=now,
        expire_time=now + limits.idle,
    )
    return session, [SessionStarted()]


def refresh_token_invalid() -> Unauthenticated:
    """The one refusal for unknown tokens and for those of sessions that ended in peace."""
    message = "The refresh token is unknown or its session has ended; sign in again."
    return Unauthenticated("REFRESH_TOKEN_INVALID", message)
