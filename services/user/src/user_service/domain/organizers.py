"""Who holds events: an organizer with its members, of whom one at least is an owner."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_kit.refusals import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from user_service.domain.domain_events import (
    Member,
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    OrganizerCreated,
    OrganizerEvent,
    OrganizerUpdated,
    Role,
)
from user_service.domain.profiles import OrganizerProfile, changed_paths

# Members are part of every domain event of their organizer; this many keep it near 50 kB.
MEMBERS_AT_MOST = 500

Changed = tuple["Organizer", list[OrganizerEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizer:
    """The tenant. `members` are in order of joining."""

    name: str
    profile: OrganizerProfile
    members: tuple[Member, ...]
    create_time: datetime
    update_time: datetime
    version: int = 0

    def member(self, user: str) -> Member:
        """The membership of a user; NotFound."""
        for member in self.members:
            if member.user == user:
                return member
        raise NotFound.named(member_name(self.name, user))

    def edit(self, profile: OrganizerProfile, now: datetime) -> Changed:
        """Another profile; InvalidArgument with the path below `organizer`."""
        profile = profile.checked("organizer.")
        paths = changed_paths(self.profile, profile)
        if not paths:
            return self, []
        return dataclasses.replace(self, profile=profile, update_time=now), [OrganizerUpdated(tuple(paths))]

    def add_member(self, user: str, role: Role, now: datetime) -> Changed:
        """AlreadyExists MEMBER_EXISTS; ResourceExhausted MEMBERS_FULL."""
        if any(member.user == user for member in self.members):
            raise AlreadyExists("MEMBER_EXISTS", f"{user} is a member already.", metadata={"resource": self.name})
        if len(self.members) >= MEMBERS_AT_MOST:
            raise ResourceExhausted("MEMBERS_FULL", f"An organizer has at most {MEMBERS_AT_MOST} members.")
        # No two join at the same instant, so that the time of joining is a cursor for pages.
        joined = max(now, self.members[-1].create_time + timedelta(milliseconds=1))
        member = Member(user, role, joined)
        return self._with((*self.members, member), now), [MemberAdded(member)]

    def change_role(self, user: str, role: Role, now: datetime) -> Changed:
        """NotFound; FailedPrecondition LAST_OWNER."""
        member = self.member(user)
        if member.role is role:
            return self, []
        changed = dataclasses.replace(member, role=role)
        members = tuple(changed if each is member else each for each in self.members)
        return self._with(members, now), [MemberRoleChanged(changed, member.role)]

    def remove_member(self, user: str, now: datetime) -> Changed:
        """NotFound; FailedPrecondition LAST_OWNER."""
        member = self.member(user)
        return self._with(tuple(each for each in self.members if each is not member), now), [MemberRemoved(member)]

    def _with(self, members: tuple[Member, ...], now: datetime) -> "Organizer":
        """INVARIANT: an organizer has an owner."""
        if not any(member.role is Role.OWNER for member in members):
            raise FailedPrecondition(
                "LAST_OWNER",
                "An organizer needs an owner: make another member owner first.",
                metadata={"resource": self.name},
            )
        return dataclasses.replace(self, members=members, update_time=now)


def create(name: str, profile: OrganizerProfile, owner: str, now: datetime) -> Changed:
    """A new organizer with its first owner."""
    organizer = Organizer(
        name=name,
        profile=profile.checked("organizer."),
        members=(Member(owner, Role.OWNER, now),),
        create_time=now,
        update_time=now,
    )
    return organizer, [OrganizerCreated()]


def member_name(organizer: str, user: str) -> str:
    """`organizers/{organizer}/members/{member}`; the last part is the id of the user."""
    return f"{organizer}/members/{user.removeprefix('users/')}"


def organizer_and_user(name: str) -> tuple[str, str]:
    """The reverse of `member_name`."""
    organizer, found, user = name.partition("/members/")
    if not found or not user or "/" in user:
        raise InvalidArgument.of("name", "must be organizers/{organizer}/members/{member}.")
    return organizer, f"users/{user}"


def roles_of(user: str, organizers: Sequence[Organizer]) -> Mapping[str, Role]:
    """Organizer name → role of the user, of those where the user is a member."""
    return {
        organizer.name: member.role for organizer in organizers for member in organizer.members if member.user == user
    }
