import pytest

from domain_kit.refusals import FailedPrecondition, InvalidArgument
from user_service.domain.domain_events import EmailVerificationRequested, EmailVerified, UserRegistered, UserUpdated
from user_service.domain.profiles import Preferences, Profile
from user_service.domain.users import LINKS_AT_MOST, UserState, key_of, register

TOKEN = "first token"


@pytest.fixture
def user(clock):
    return register(
        "users/a", " Ada@Example.com ", Profile(display_name="Ada"), password_hash="h", token=TOKEN, now=clock()
    )[0]


def test_registering_makes_an_unverified_account_and_a_link(clock):
    user, events = register(
        "users/a", "a@b.ca", Profile(display_name=" Ada "), password_hash="h", token="t", now=clock()
    )
    assert [type(event) for event in events] == [UserRegistered, EmailVerificationRequested]
    assert (user.state, user.profile.display_name, user.profile.language_code) == (UserState.UNVERIFIED, "Ada", "en")


def test_an_address_is_unique_without_regard_to_case_and_kept_as_given(user):
    assert user.email == "Ada@Example.com"
    assert user.email_key == key_of("ADA@EXAMPLE.COM") == "ada@example.com"


def test_the_link_proves_the_address_once(user, clock):
    verified, events = user.verify(TOKEN, "$argon2id$chosen", clock())
    assert events == [EmailVerified()]
    assert verified.email_verify_time == clock()
    with pytest.raises(FailedPrecondition) as refusal:
        verified.verify(TOKEN, "$argon2id$chosen", clock())
    assert refusal.value.reason == "VERIFICATION_TOKEN_INVALID"


def test_a_link_is_dead_after_a_day(user, clock):
    clock.move(hours=24)
    with pytest.raises(FailedPrecondition):
        user.verify(TOKEN, "$argon2id$chosen", clock())


def test_a_newer_link_ends_the_one_before(user, clock):
    later, _ = user.request_link("second token", clock())
    with pytest.raises(FailedPrecondition):
        later.verify(TOKEN, "$argon2id$chosen", clock())
    assert later.verify("second token", "$argon2id$chosen", clock())[0].state is UserState.VERIFIED


def test_a_verified_user_gets_no_more_links(user, clock):
    verified, _ = user.verify(TOKEN, "$argon2id$chosen", clock())
    assert verified.request_link("again", clock()) == (verified, [])


def test_links_are_limited_in_an_hour_and_allowed_again_after_it(user, clock):
    sent = 1
    for number in range(LINKS_AT_MOST * 2):
        user, events = user.request_link(f"token {number}", clock())
        sent += len(events)
    assert sent == LINKS_AT_MOST
    clock.move(hours=1)
    assert user.request_link("later", clock())[1]


def test_an_edit_names_the_paths_that_changed(user, clock):
    profile = Profile(display_name="Ada L.", time_zone="Europe/London", preferences=Preferences(marketing_email=True))
    edited, events = user.edit(profile, clock())
    assert events == [UserUpdated(("display_name", "time_zone", "preferences.marketing_email"))]
    assert edited.edit(profile, clock()) == (edited, [])


def test_an_edit_is_refused_with_the_path_of_the_request(user, clock):
    with pytest.raises(InvalidArgument) as refusal:
        user.edit(Profile(display_name="Ada", time_zone="Mars/Olympus"), clock())
    assert (refusal.value.reason, refusal.value.violations[0].field) == ("TIME_ZONE_UNKNOWN", "user.time_zone")


def test_no_secret_shows_when_a_user_is_printed(user):
    assert TOKEN not in repr(user)
    assert "password_hash" not in repr(user)
    assert "token_hash" not in repr(user)
