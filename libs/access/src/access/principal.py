"""Who is calling, as the access token says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a user is to an organizer."""

    OWNER = "OWNER"
    MANAGER = "MANAGER"
    FINANCE = "FINANCE"
    CHECK_IN = "CHECK_IN"
    VIEWER = "VIEWER"


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in user.

    user: "users/{user}". roles: what the user is to each "organizers/{organizer}". session: the token's `sid`.
    """

    user: str
    expires: datetime
    session: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
