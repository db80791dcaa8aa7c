"""Domain events as they go out: the fact with the full state after it; the only secret is the link to be mailed."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import DomainEvent
from resource_api import time_to_wire
from user_service.domain import domain_events as facts
from user_service.domain.domain_events import EndReason
from user_service.domain.organizers import Organizer
from user_service.domain.sessions import Session
from user_service.domain.users import User
from user_service.wire.organizers import member_to_wire, role_to_wire, snapshot_to_wire
from user_service.wire.users import session_to_wire, user_to_wire
from usher.user.v1 import domain_events_pb2 as pb

REASONS = {reason: pb.SessionEnded.Reason.Value(f"REASON_{reason.name}") for reason in EndReason}


# Fact → message; the snapshot is of the aggregate after all facts of the same change.
MESSAGES: dict[type[Any], Callable[[Any, Any], Message]] = {
    facts.UserRegistered: lambda _, user: pb.UserRegistered(user=user_to_wire(user)),
    facts.EmailVerificationRequested: lambda fact, user: pb.EmailVerificationRequested(
        user=user_to_wire(user), token=fact.token, expire_time=time_to_wire(fact.expire_time)
    ),
    facts.EmailVerified: lambda _, user: pb.EmailVerified(user=user_to_wire(user)),
    facts.UserUpdated: lambda fact, user: pb.UserUpdated(user=user_to_wire(user), changed_paths=fact.changed_paths),
    facts.SessionStarted: lambda _, session: pb.SessionStarted(session=session_to_wire(session)),
    facts.SessionRefreshed: lambda _, session: pb.SessionRefreshed(session=session_to_wire(session)),
    facts.SessionEnded: lambda fact, session: pb.SessionEnded(
        session=session_to_wire(session), reason=REASONS[fact.reason]
    ),
    facts.OrganizerCreated: lambda _, organizer: pb.OrganizerCreated(snapshot=snapshot_to_wire(organizer)),
    facts.OrganizerUpdated: lambda fact, organizer: pb.OrganizerUpdated(
        snapshot=snapshot_to_wire(organizer), changed_paths=fact.changed_paths
    ),
    facts.MemberAdded: lambda fact, organizer: pb.MemberAdded(
        snapshot=snapshot_to_wire(organizer), member=member_to_wire(organizer.name, fact.member)
    ),
    facts.MemberRoleChanged: lambda fact, organizer: pb.MemberRoleChanged(
        snapshot=snapshot_to_wire(organizer),
        member=member_to_wire(organizer.name, fact.member),
        former_role=role_to_wire(fact.former_role),
    ),
    facts.MemberRemoved: lambda fact, organizer: pb.MemberRemoved(
        snapshot=snapshot_to_wire(organizer), member=member_to_wire(organizer.name, fact.member)
    ),
}


def encode(fact: DomainEvent, after: User | Session | Organizer) -> EncodedEvent:
    """Type and payload of a fact about the aggregate `after` it."""
    message = MESSAGES[type(fact)](fact, after)
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))
