import pytest

from domain_kit.refusals import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from user_service.domain import organizers
from user_service.domain.domain_events import MemberAdded, MemberRemoved, MemberRoleChanged, OrganizerUpdated, Role
from user_service.domain.profiles import OrganizerProfile

PROFILE = OrganizerProfile(display_name="Club", time_zone="America/Toronto", country_code="CA")


@pytest.fixture
def club(clock):
    return organizers.create("organizers/c", PROFILE, "users/ada", clock())[0]


def test_the_maker_is_the_first_owner(club):
    assert [(member.user, member.role) for member in club.members] == [("users/ada", Role.OWNER)]


@pytest.mark.parametrize("field", ["display_name", "time_zone", "country_code"])
def test_what_is_missing_at_creation_is_named(field, clock):
    from dataclasses import replace

    with pytest.raises(InvalidArgument) as refusal:
        organizers.create("organizers/c", replace(PROFILE, **{field: ""}), "users/ada", clock())
    assert refusal.value.violations[0].field == f"organizer.{field}"


def test_the_last_owner_can_neither_leave_nor_step_down(club, clock):
    """INVARIANT: an organizer has an owner."""
    club, _ = club.add_member("users/bob", Role.MANAGER, clock())
    for attempt in (
        lambda: club.remove_member("users/ada", clock()),
        lambda: club.change_role("users/ada", Role.VIEWER, clock()),
    ):
        with pytest.raises(FailedPrecondition) as refusal:
            attempt()
        assert refusal.value.reason == "LAST_OWNER"


def test_an_owner_may_leave_when_another_stays(club, clock):
    club, _ = club.add_member("users/bob", Role.OWNER, clock())
    ada = club.member("users/ada")
    club, events = club.remove_member("users/ada", clock())
    assert events == [MemberRemoved(ada)]
    with pytest.raises(NotFound):
        club.member("users/ada")


def test_a_member_joins_once(club, clock):
    club, events = club.add_member("users/bob", Role.VIEWER, clock())
    assert events == [MemberAdded(club.member("users/bob"))]
    with pytest.raises(AlreadyExists) as refusal:
        club.add_member("users/bob", Role.OWNER, clock())
    assert refusal.value.reason == "MEMBER_EXISTS"


def test_members_who_join_at_one_instant_keep_their_order(club, clock):
    for name in ("zoe", "bob", "max"):
        club, _ = club.add_member(f"users/{name}", Role.VIEWER, clock())
    times = [member.create_time for member in club.members]
    assert times == sorted(set(times))


def test_a_changed_role_is_told_with_the_former_one(club, clock):
    club, _ = club.add_member("users/bob", Role.VIEWER, clock())
    club, events = club.change_role("users/bob", Role.FINANCE, clock())
    assert events == [MemberRoleChanged(club.member("users/bob"), Role.VIEWER)]
    assert club.change_role("users/bob", Role.FINANCE, clock()) == (club, [])


def test_members_are_limited(club, clock, monkeypatch):
    monkeypatch.setattr(organizers, "MEMBERS_AT_MOST", 2)
    club, _ = club.add_member("users/bob", Role.VIEWER, clock())
    with pytest.raises(ResourceExhausted) as refusal:
        club.add_member("users/max", Role.VIEWER, clock())
    assert refusal.value.reason == "MEMBERS_FULL"


def test_an_edit_names_what_changed(club, clock):
    from dataclasses import replace

    _, events = club.edit(replace(PROFILE, homepage_uri="https://club.example"), clock())
    assert events == [OrganizerUpdated(("homepage_uri",))]
    assert club.edit(PROFILE, clock()) == (club, [])


def test_member_names_read_back():
    name = organizers.member_name("organizers/c", "users/ada")
    assert name == "organizers/c/members/ada"
    assert organizers.organizer_and_user(name) == ("organizers/c", "users/ada")
