import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from domain_kit.refusals import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from usher.user.v1 import domain_events_pb2, organizer_pb2
from usher.user.v1 import user_service_pb2 as pb

CLUB = {"display_name": "Club", "time_zone": "America/Toronto", "country_code": "CA"}


async def make(usher, me, **fields):
    request = pb.CreateOrganizerRequest(organizer=organizer_pb2.Organizer(**{**CLUB, **fields}))
    return await usher.stub.CreateOrganizer(request, metadata=me)


async def add(usher, me, club, user, role):
    request = pb.CreateMemberRequest(parent=club.name, member=organizer_pb2.Member(user=user, role=role))
    return await usher.stub.CreateMember(request, metadata=me)


async def owner_of_a_club(usher):
    tokens, me = await usher.signed_in("ada@example.com")
    club = await make(usher, me)
    tokens, me = await usher.refreshed(tokens)
    return club, tokens, me


async def test_who_makes_an_organizer_owns_it_once_the_tokens_are_refreshed(usher):
    tokens, me = await usher.signed_in("ada@example.com")
    club = await make(usher, me)
    with pytest.raises(PermissionDenied):
        await usher.stub.ListMembers(pb.ListMembersRequest(parent=club.name), metadata=me)
    tokens, me = await usher.refreshed(tokens)
    listed = await usher.stub.ListMembers(pb.ListMembersRequest(parent=club.name), metadata=me)
    assert [(member.user, member.role) for member in listed.members] == [(tokens.user, organizer_pb2.ROLE_OWNER)]


async def test_an_organizer_is_public_and_its_members_are_not(usher):
    club, _, _ = await owner_of_a_club(usher)
    assert await usher.stub.GetOrganizer(pb.GetOrganizerRequest(name=club.name)) == club
    with pytest.raises(Unauthenticated):
        await usher.stub.ListMembers(pb.ListMembersRequest(parent=club.name))
    _, eve = await usher.signed_in("eve@example.com")
    name = f"{club.name}/members/{'0' * 26}"
    for rpc, request in (
        (usher.stub.ListMembers, pb.ListMembersRequest(parent=club.name)),
        (usher.stub.GetMember, pb.GetMemberRequest(name=name)),
        (usher.stub.DeleteMember, pb.DeleteMemberRequest(name=name)),
        (usher.stub.UpdateMember, pb.UpdateMemberRequest(member={"name": name, "role": "ROLE_OWNER"})),
        (usher.stub.UpdateOrganizer, pb.UpdateOrganizerRequest(organizer={"name": club.name, "display_name": "Mine"})),
    ):
        with pytest.raises(PermissionDenied):
            await rpc(request, metadata=eve)


async def test_members_join_change_roles_and_leave(usher):
    club, ada, me = await owner_of_a_club(usher)
    bob, his = await usher.signed_in("bob@example.com")
    member = await add(usher, me, club, bob.user, "ROLE_CHECK_IN")
    assert member.name == f"{club.name}/members/{bob.user.removeprefix('users/')}"
    with pytest.raises(AlreadyExists) as refusal:
        await add(usher, me, club, bob.user, "ROLE_VIEWER")
    assert refusal.value.reason == "MEMBER_EXISTS"
    _, his = await usher.refreshed(bob)
    with pytest.raises(PermissionDenied):
        await add(usher, his, club, ada.user, "ROLE_OWNER")
    patch = organizer_pb2.Member(name=member.name, role="ROLE_FINANCE")
    changed = await usher.stub.UpdateMember(pb.UpdateMemberRequest(member=patch), metadata=me)
    assert changed.role == organizer_pb2.ROLE_FINANCE
    assert await usher.stub.GetMember(pb.GetMemberRequest(name=member.name), metadata=me) == changed
    await usher.stub.DeleteMember(pb.DeleteMemberRequest(name=member.name), metadata=me)
    for rpc, request in (
        (usher.stub.GetMember, pb.GetMemberRequest(name=member.name)),
        (usher.stub.DeleteMember, pb.DeleteMemberRequest(name=member.name)),
    ):
        with pytest.raises(NotFound):
            await rpc(request, metadata=me)
    events = [event async for event in usher.outbox.everything() if event.subject == club.name]
    assert [event.type.rpartition(".")[2] for event in events] == [
        "OrganizerCreated", "MemberAdded", "MemberRoleChanged", "MemberRemoved",
    ]  # fmt: skip
    assert [event.version for event in events] == [1, 2, 3, 4]
    last = domain_events_pb2.MemberRemoved.FromString(events[-1].payload)
    assert (last.member.user, len(last.snapshot.members)) == (bob.user, 1)


async def test_of_two_owners_who_leave_at_once_one_stays(usher):
    """INVARIANT: an organizer has an owner."""
    club, ada, me = await owner_of_a_club(usher)
    bob, _ = await usher.signed_in("bob@example.com")
    await add(usher, me, club, bob.user, "ROLE_OWNER")
    _, his = await usher.refreshed(bob)
    names = [f"{club.name}/members/{user.removeprefix('users/')}" for user in (ada.user, bob.user)]
    results = await asyncio.gather(
        usher.stub.DeleteMember(pb.DeleteMemberRequest(name=names[0]), metadata=his),
        usher.stub.DeleteMember(pb.DeleteMemberRequest(name=names[1]), metadata=me),
        return_exceptions=True,
    )
    [refusal] = [result for result in results if isinstance(result, Exception)]
    assert (type(refusal), refusal.reason) == (FailedPrecondition, "LAST_OWNER")


async def test_an_unknown_user_cannot_become_a_member(usher):
    club, _, me = await owner_of_a_club(usher)
    with pytest.raises(FailedPrecondition) as refusal:
        await add(usher, me, club, f"users/{'0' * 26}", "ROLE_VIEWER")
    assert refusal.value.reason == "USER_UNKNOWN"


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ({"role": "ROLE_VIEWER"}, "member.user"),
        ({"user": f"users/{'0' * 26}"}, "member.role"),
        ({"role": 99}, "member.role"),
    ],
)
async def test_a_member_needs_user_and_role(usher, member, field):
    club, _, me = await owner_of_a_club(usher)
    with pytest.raises(InvalidArgument) as refusal:
        await usher.stub.CreateMember(pb.CreateMemberRequest(parent=club.name, member=member), metadata=me)
    assert refusal.value.violations[0].field == field


async def test_only_the_role_of_a_member_can_be_changed(usher):
    club, ada, me = await owner_of_a_club(usher)
    member = {"name": f"{club.name}/members/{ada.user.removeprefix('users/')}", "role": "ROLE_OWNER"}
    request = pb.UpdateMemberRequest(member=member, update_mask=FieldMask(paths=["user"]))
    with pytest.raises(InvalidArgument) as refusal:
        await usher.stub.UpdateMember(request, metadata=me)
    assert refusal.value.reason == "FIELD_IMMUTABLE"


async def test_organizers_are_listed_in_pages_for_their_members_alone(usher):
    _, me = await usher.signed_in("ada@example.com")
    _, eve = await usher.signed_in("eve@example.com")
    made = [(await make(usher, me, display_name=f"Club {number}")).name for number in range(5)]
    await make(usher, eve)
    seen, token = [], ""
    while True:
        request = pb.ListOrganizersRequest(page_size=2, page_token=token)
        page = await usher.stub.ListOrganizers(request, metadata=me)
        seen += [organizer.name for organizer in page.organizers]
        token = page.next_page_token
        if not token:
            break
        with pytest.raises(InvalidArgument) as refusal:
            await usher.stub.ListOrganizers(pb.ListOrganizersRequest(page_token=token), metadata=eve)
        assert refusal.value.reason == "PAGE_TOKEN_INVALID"
    assert seen == made


async def test_members_are_listed_in_pages_and_forged_tokens_refused(usher):
    club, _, me = await owner_of_a_club(usher)
    users = [await usher.register(f"m{number}@example.com") for number in range(4)]
    for user in users:
        await add(usher, me, club, user.name, "ROLE_VIEWER")
    first = await usher.stub.ListMembers(pb.ListMembersRequest(parent=club.name, page_size=3), metadata=me)
    request = pb.ListMembersRequest(parent=club.name, page_size=3, page_token=first.next_page_token)
    second = await usher.stub.ListMembers(request, metadata=me)
    assert [member.user for member in [*first.members, *second.members]][1:] == [user.name for user in users]
    assert not second.next_page_token
    with pytest.raises(InvalidArgument) as refusal:
        await usher.stub.ListMembers(pb.ListMembersRequest(parent=club.name, page_token="AAAA"), metadata=me)
    assert refusal.value.reason == "PAGE_TOKEN_INVALID"


async def test_an_organizer_is_changed_and_guarded_by_its_etag(usher):
    club, _, me = await owner_of_a_club(usher)
    patch = organizer_pb2.Organizer(name=club.name, homepage_uri="https://club.example", etag=club.etag)
    after = await usher.stub.UpdateOrganizer(pb.UpdateOrganizerRequest(organizer=patch), metadata=me)
    assert (after.homepage_uri, after.display_name) == ("https://club.example", "Club")
    with pytest.raises(Aborted):
        await usher.stub.UpdateOrganizer(pb.UpdateOrganizerRequest(organizer=patch), metadata=me)


@pytest.mark.parametrize("field", ["display_name", "time_zone", "country_code"])
async def test_what_an_organizer_lacks_is_named(usher, field):
    _, me = await usher.signed_in("ada@example.com")
    with pytest.raises(InvalidArgument) as refusal:
        await make(usher, me, **{field: ""})
    assert refusal.value.violations[0].field == f"organizer.{field}"
