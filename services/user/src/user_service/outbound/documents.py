"""Users, sessions and organizers as MongoDB documents; the store sets `_id` and `version` itself."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from user_service.domain.domain_events import EndReason, Member, Role
from user_service.domain.organizers import Organizer
from user_service.domain.profiles import OrganizerProfile, Preferences, Profile
from user_service.domain.sessions import Session
from user_service.domain.users import User, Verification

Document = Mapping[str, Any]
# Fields that stand in no record but the document itself.
USER_SECRETS = ("password_hash", "link_hash")
SESSION_SECRETS = ("token_hash", "previous_hash", "salt")


def user_to_document(user: User) -> dict[str, Any]:
    """With the key that makes the address unique."""
    return {
        "email": user.email,
        "email_key": user.email_key,
        "email_verify_time": user.email_verify_time,
        "profile": asdict(user.profile),
        "link_expire_time": user.verification.expire_time,
        "link_sent_times": list(user.verification.sent_times),
        "create_time": user.create_time,
        "update_time": user.update_time,
        "password_hash": user.password_hash,
        "link_hash": user.verification.token_hash,
    }


def user_from_document(document: Document) -> User:
    """The reverse; secrets may be missing."""
    profile = dict(document["profile"])
    return User(
        name=document["_id"],
        email=document["email"],
        profile=Profile(**{**profile, "preferences": Preferences(**profile["preferences"])}),
        verification=Verification(
            token_hash=document.get("link_hash", ""),
            expire_time=document["link_expire_time"],
            sent_times=tuple(document["link_sent_times"]),
        ),
        create_time=document["create_time"],
        update_time=document["update_time"],
        email_verify_time=document["email_verify_time"],
        password_hash=document.get("password_hash", ""),
        version=document["version"],
    )


def session_to_document(session: Session) -> dict[str, Any]:
    """With its state, by which idle ones are found."""
    return {
        "user": session.user,
        "state": session.state.value,
        "create_time": session.create_time,
        "refresh_time": session.refresh_time,
        "expire_time": session.expire_time,
        "end_time": session.end_time,
        "end_reason": session.end_reason.value if session.end_reason else None,
        "token_hash": session.token_hash,
        "previous_hash": session.previous_hash,
        "salt": session.salt,
    }


def session_from_document(document: Document) -> Session:
    """The reverse; secrets may be missing."""
    reason = document["end_reason"]
    return Session(
        name=document["_id"],
        user=document["user"],
        token_hash=document.get("token_hash", ""),
        previous_hash=document.get("previous_hash", ""),
        salt=bytes(document.get("salt", b"")),
        create_time=document["create_time"],
        refresh_time=document["refresh_time"],
        expire_time=document["expire_time"],
        end_time=document["end_time"],
        end_reason=None if reason is None else EndReason(reason),
        version=document["version"],
    )


def organizer_to_document(organizer: Organizer) -> dict[str, Any]:
    """With its members inside."""
    return {
        "profile": asdict(organizer.profile),
        "members": [_member_to_document(member) for member in organizer.members],
        "create_time": organizer.create_time,
        "update_time": organizer.update_time,
    }


def organizer_from_document(document: Document) -> Organizer:
    """The reverse."""
    return Organizer(
        name=document["_id"],
        profile=OrganizerProfile(**document["profile"]),
        members=tuple(_member_from_document(member) for member in document["members"]),
        create_time=document["create_time"],
        update_time=document["update_time"],
        version=document["version"],
    )


def refresh_token_document(token_hash: str, session: str, forget_time: datetime) -> dict[str, Any]:
    """That a session gave out a token, until it is of no use to know."""
    return {"_id": token_hash, "session": session, "forget_time": forget_time}


def _member_to_document(member: Member) -> dict[str, Any]:
    return {"user": member.user, "role": member.role.value, "create_time": member.create_time}


def _member_from_document(document: Document) -> Member:
    return Member(document["user"], Role(document["role"]), document["create_time"])
