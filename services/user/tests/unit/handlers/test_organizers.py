import asyncio

import pytest

from domain_kit.refusals import FailedPrecondition, NotFound
from user_service.handlers.add_member import add_member
from user_service.handlers.change_member_role import change_member_role
from user_service.handlers.list_members import list_members
from user_service.handlers.remove_member import remove_member


async def join(parts, club, user, role):
    return await add_member(
        parts.users, parts.organizers, club.name, user=user.name, role=role, cause=parts.cause(), now=parts.clock()
    )


async def test_a_member_must_have_an_account(parts):
    club = await parts.organizer("users/ada")
    with pytest.raises(FailedPrecondition) as refusal:
        await add_member(
            parts.users, parts.organizers, club.name,
            user="users/nobody", role=parts.Role.VIEWER, cause=parts.cause(), now=parts.clock(),
        )  # fmt: skip
    assert refusal.value.reason == "USER_UNKNOWN"


async def test_of_two_owners_who_leave_at_once_one_stays(parts):
    """INVARIANT: an organizer has an owner, whatever happens at the same time."""
    ada, bob = await parts.register("a@example.com"), await parts.register("b@example.com")
    club = await parts.organizer(ada.name)
    await join(parts, club, bob, parts.Role.OWNER)
    leave = remove_member(parts.organizers, club.name, user=ada.name, cause=parts.cause(), now=parts.clock())
    step_down = change_member_role(
        parts.organizers, club.name, user=bob.name, role=parts.Role.VIEWER, cause=parts.cause(), now=parts.clock()
    )
    results = await asyncio.gather(leave, step_down, return_exceptions=True)
    refusals = [result for result in results if isinstance(result, Exception)]
    assert [refusal.reason for refusal in refusals] == ["LAST_OWNER"]


async def test_nobody_is_pushed_out_of_their_role_by_being_added_elsewhere(parts):
    """INVARIANT: what one owns stays in the token, whoever adds one to however many organizers."""
    ada = await parts.register()
    for number in range(4):
        await join(parts, await parts.organizer("users/mallory", f"Trap {number}"), ada, parts.Role.VIEWER)
    own = await parts.organizer(ada.name, "Own")
    roles = await parts.organizers.weightiest_roles(ada.name, 3)
    assert len(roles) == 3
    assert roles[own.name] is parts.Role.OWNER


async def test_members_are_listed_in_pages_in_order_of_joining(parts):
    ada = await parts.register("a@example.com")
    club = await parts.organizer(ada.name)
    for number in range(6):
        await join(parts, club, await parts.register(f"m{number}@example.com"), parts.Role.VIEWER)
    seen, after = [], None
    while True:
        members, after = await list_members(parts.organizers, club.name, after=after, limit=3)
        seen += members
        if after is None:
            break
    assert tuple(seen) == (await parts.organizers.get(club.name)).members


async def test_members_of_no_organizer_are_not_found(parts):
    with pytest.raises(NotFound):
        await list_members(parts.organizers, "organizers/none", after=None, limit=3)
