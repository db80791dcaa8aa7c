"""usher.user.v1.Organizer and Member ↔ domain."""

from domain_kit.refusals import InvalidArgument
from resource_api import ResourceName, etag_of, time_to_wire
from user_service.domain.domain_events import Member, Role
from user_service.domain.organizers import Organizer, member_name
from user_service.domain.profiles import OrganizerProfile
from usher.user.v1 import domain_events_pb2, organizer_pb2

ORGANIZER = ResourceName("organizers/{organizer}")
MEMBER = ResourceName("organizers/{organizer}/members/{member}")


def organizer_to_wire(organizer: Organizer) -> organizer_pb2.Organizer:
    """The message of an organizer, without its members."""
    message = organizer_profile_to_wire(organizer.profile)
    message.name = organizer.name
    message.etag = etag_of(organizer.version)
    message.create_time.CopyFrom(time_to_wire(organizer.create_time))
    message.update_time.CopyFrom(time_to_wire(organizer.update_time))
    return message


def organizer_profile_to_wire(profile: OrganizerProfile) -> organizer_pb2.Organizer:
    """A message with only what may be changed."""
    return organizer_pb2.Organizer(
        display_name=profile.display_name,
        time_zone=profile.time_zone,
        country_code=profile.country_code,
        homepage_uri=profile.homepage_uri,
    )


def organizer_profile_from_wire(message: organizer_pb2.Organizer) -> OrganizerProfile:
    """What a message says of the organizer, as it is: the domain checks it."""
    return OrganizerProfile(
        display_name=message.display_name,
        time_zone=message.time_zone,
        country_code=message.country_code,
        homepage_uri=message.homepage_uri,
    )


def member_to_wire(organizer: str, member: Member) -> organizer_pb2.Member:
    """The message of a member of `organizer`."""
    return organizer_pb2.Member(
        name=member_name(organizer, member.user),
        user=member.user,
        role=role_to_wire(member.role),
        create_time=time_to_wire(member.create_time),
    )


def snapshot_to_wire(organizer: Organizer) -> domain_events_pb2.OrganizerSnapshot:
    """An organizer with all its members."""
    return domain_events_pb2.OrganizerSnapshot(
        organizer=organizer_to_wire(organizer),
        members=[member_to_wire(organizer.name, member) for member in organizer.members],
    )


def role_to_wire(role: Role) -> organizer_pb2.Role.ValueType:
    """The value of a role."""
    return organizer_pb2.Role.Value(f"ROLE_{role.name}")


def role_from_wire(value: organizer_pb2.Role.ValueType, field: str) -> Role:
    """The role of a value; InvalidArgument where it names none."""
    for role in Role:
        if role_to_wire(role) == value:
            return role
    raise InvalidArgument.of(field, "is required: a role of the member.")
