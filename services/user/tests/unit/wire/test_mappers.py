"""What goes out on the wire comes back the same; fields that only go out are compared one by one."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resource_api import etag_of, time_from_wire
from user_service.wire import organizers as wire
from user_service.wire.users import profile_from_wire, profile_to_wire, session_to_wire, user_to_wire

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def reparsed(message):
    return type(message).FromString(message.SerializeToString())


@quick
@given(data=st.data())
def test_profiles_round_trip(aggregates, data):
    profile = data.draw(aggregates["profiles"])
    assert profile_from_wire(reparsed(profile_to_wire(profile))) == profile


@quick
@given(data=st.data())
def test_organizer_profiles_round_trip(aggregates, data):
    profile = data.draw(aggregates["organizer_profiles"])
    assert wire.organizer_profile_from_wire(reparsed(wire.organizer_profile_to_wire(profile))) == profile


@quick
@given(data=st.data())
def test_a_user_goes_out_with_every_field_and_no_secret(aggregates, data):
    user = data.draw(aggregates["users"])
    message = reparsed(user_to_wire(user))
    times = [time_from_wire(getattr(message, name)) for name in ("create_time", "update_time", "email_verify_time")]
    assert times == [user.create_time, user.update_time, user.email_verify_time]
    assert (message.name, message.email, message.etag) == (user.name, user.email, etag_of(user.version))
    assert profile_from_wire(message) == user.profile
    assert set(message.DESCRIPTOR.fields_by_name) == {
        "name", "email", "email_verify_time", "display_name", "language_code", "time_zone", "country_code",
        "preferences", "create_time", "update_time", "etag",
    }  # fmt: skip


@quick
@given(data=st.data())
def test_a_session_goes_out_with_every_field_and_no_secret(aggregates, data):
    session = data.draw(aggregates["sessions"])
    message = reparsed(session_to_wire(session))
    times = [time_from_wire(getattr(message, name)) for name in ("create_time", "refresh_time", "end_time")]
    assert times == [session.create_time, session.refresh_time, session.end_time]
    assert (message.name, message.user) == (session.name, session.user)
    assert set(message.DESCRIPTOR.fields_by_name) == {"name", "user", "create_time", "refresh_time", "end_time"}


@quick
@given(data=st.data())
def test_an_organizer_goes_out_with_every_member(aggregates, data):
    organizer = data.draw(aggregates["organizers"])
    message = reparsed(wire.snapshot_to_wire(organizer))
    assert wire.organizer_profile_from_wire(message.organizer) == organizer.profile
    assert (message.organizer.name, message.organizer.etag) == (organizer.name, etag_of(organizer.version))
    assert time_from_wire(message.organizer.create_time) == organizer.create_time
    assert time_from_wire(message.organizer.update_time) == organizer.update_time
    assert len(message.members) == len(organizer.members)
    for sent, member in zip(message.members, organizer.members, strict=True):
        assert (sent.user, wire.role_from_wire(sent.role, "role")) == (member.user, member.role)
        assert time_from_wire(sent.create_time) == member.create_time
        assert sent.name == f"{organizer.name}/members/{member.user.removeprefix('users/')}"
