"""Facts about users, sessions and organizers, without the snapshot that is added when they are encoded."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum


class Role(StrEnum):
    """What a member may do; the table of permissions is data of the `access` library."""

    OWNER = "OWNER"
    MANAGER = "MANAGER"
    CHECK_IN = "CHECK_IN"
    FINANCE = "FINANCE"
    VIEWER = "VIEWER"


@dataclass(frozen=True, slots=True)
class Member:
    """A user who acts for an organizer since `create_time`."""

    user: str
    role: Role
    create_time: datetime


class EndReason(Enum):
    """Why a session ended."""

    SIGNED_OUT = "SIGNED_OUT"
    TOKEN_REUSED = "TOKEN_REUSED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """Somebody made an account."""


@dataclass(frozen=True, slots=True)
class EmailVerificationRequested:
    """A link that proves the address is to be mailed; its token ends at `expire_time`."""

    token: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class EmailVerified:
    """The address was proved."""


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """Profile or preferences changed."""

    changed_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A user signed in."""


@dataclass(frozen=True, slots=True)
class SessionRefreshed:
    """Tokens were traded."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session ended."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class OrganizerCreated:
    """An organizer was made."""


@dataclass(frozen=True, slots=True)
class OrganizerUpdated:
    """An organizer's profile changed."""

    changed_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemberAdded:
    """A member was added."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberRoleChanged:
    """A member has another role; `member` is as it is now."""

    member: Member
    former_role: Role


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """A member left or was removed; `member` is as it was."""

    member: Member


UserEvent = UserRegistered | EmailVerificationRequested | EmailVerified | UserUpdated
SessionEvent = SessionStarted | SessionRefreshed | SessionEnded
OrganizerEvent = OrganizerCreated | OrganizerUpdated | MemberAdded | MemberRoleChanged | MemberRemoved
