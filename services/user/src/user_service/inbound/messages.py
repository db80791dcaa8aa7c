"""What requests say, and answers that are no resource."""

from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from domain_kit.refusals import InvalidArgument
from user_service.domain.domain_events import Role
from user_service.domain.ports import Tokens
from user_service.domain.profiles import Profile
from user_service.wire.organizers import role_from_wire
from usher.user.v1 import organizer_pb2
from usher.user.v1 import user_service_pb2 as pb


def registered_profile(request: pb.RegisterUserRequest) -> Profile:
    """The profile of a new account, as it is: the domain checks it."""
    return Profile(
        display_name=request.display_name,
        language_code=request.language_code,
        time_zone=request.time_zone,
        country_code=request.country_code,
    )


def tokens_to_wire(tokens: Tokens) -> pb.Tokens:
    """The answer of sign-in and refresh (RFC 6749 section 5.1)."""
    return pb.Tokens(
        access_token=tokens.access.token,
        token_type="Bearer",
        expires_in=tokens.access.expires_in,
        refresh_token=tokens.refresh_token,
        user=tokens.user,
    )


def require_member(member: organizer_pb2.Member) -> tuple[str, Role]:
    """User and role of a new member; InvalidArgument for what is missing."""
    if not member.user:
        raise InvalidArgument.of("member.user", "is required: users/{user}.")
    return member.user, role_from_wire(member.role, "member.role")


def require_role_mask(mask: FieldMask) -> None:
    """InvalidArgument unless the mask is empty or means the role."""
    for path in mask.paths:
        if path not in ("role", "*"):
            raise InvalidArgument.of("update_mask", f"{path!r} cannot be changed, only role.", reason="FIELD_IMMUTABLE")


def joined_after(cursor: tuple[Any, ...] | None) -> datetime | None:
    """The time in a cursor of ListMembers."""
    return None if cursor is None else cursor[0]
