"""The decision whether a principal may act on a resource."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from access.principal import Principal
from access.roles import role_table
from access.rules import AccessRule
from domain_kit.refusals import InvalidArgument, PermissionDenied, Unauthenticated


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a resource is: "users/{user}" or empty, "organizers/{organizer}" or empty."""

    user: str = ""
    organizer: str = ""


# Resource name → whose it is; None when there is no such resource. Given by each service, from its own store.
OwnerOf = Callable[[str], Awaitable[Ownership | None]]


async def nothing_owned(_name: str) -> Ownership | None:
    """For services whose rules name only users and organizers."""
    return None


def named_owner(name: str) -> Ownership | None:
    """Whose a resource is when its name says so: users/…, organizers/… and everything below them.

    A membership, organizers/{organizer}/members/{user}, is the user's as well.
    """
    collection, _, rest = name.partition("/")
    owner = rest.partition("/")[0]
    if not owner or owner == "-":
        return None
    if collection == "users":
        return Ownership(user=f"users/{owner}")
    if collection == "organizers":
        below = rest.split("/")
        member = f"users/{below[2]}" if len(below) == 3 and below[1] == "members" and below[2] else ""
        return Ownership(user=member, organizer=f"organizers/{owner}")
    return None


def allows(principal: Principal | None, ownership: Ownership, *, permission: str = "", owner: bool = False) -> bool:
    """Whether the principal is the owning user (if `owner`) or has a role in the organizer with `permission`."""
    if principal is None:
        return False
    if owner and ownership.user and ownership.user == principal.user:
        return True
    role = principal.roles.get(ownership.organizer) if ownership.organizer and permission else None
    return role is not None and role_table().carries(role, permission)


def denied(permission: str, name: str) -> PermissionDenied:
    """The one refusal for a foreign resource and for one that does not exist (AIP-211)."""
    what = f"Permission {permission} denied" if permission else "Permission denied"
    return PermissionDenied(
        "PERMISSION_DENIED",
        f"{what} on resource '{name}' (or it may not exist).",
        metadata={"resource": name, **({"permission": permission} if permission else {})},
    )


async def decide_access(rule: AccessRule, request: Message, principal: Principal | None, owner_of: OwnerOf) -> None:
    """Return when the call may go on.

    Unauthenticated TOKEN_MISSING; PermissionDenied PERMISSION_DENIED; InvalidArgument when no resource is named.
    """
    if rule.public:
        return
    if principal is None:
        raise Unauthenticated("TOKEN_MISSING", "This call needs an access token.")
    if rule.signed_in:
        return
    name = rule.resource_of(request)
    if not name:
        raise InvalidArgument.of(rule.field, "must name a resource.")
    ownership = named_owner(name) or await owner_of(name)
    if ownership is None or not allows(principal, ownership, permission=rule.permission, owner=rule.owner):
        raise denied(rule.permission, name)
