"""usher.user.v1.User and Session ↔ domain."""

from resource_api import ResourceName, etag_of, time_to_wire
from user_service.domain.profiles import Preferences, Profile
from user_service.domain.sessions import Session
from user_service.domain.users import User
from usher.user.v1 import domain_events_pb2, user_pb2

USER = ResourceName("users/{user}")


def user_to_wire(user: User) -> user_pb2.User:
    """The message of a user; no secret is in it."""
    message = profile_to_wire(user.profile)
    message.name = user.name
    message.email = user.email
    message.etag = etag_of(user.version)
    message.create_time.CopyFrom(time_to_wire(user.create_time))
    message.update_time.CopyFrom(time_to_wire(user.update_time))
    if user.email_verify_time is not None:
        message.email_verify_time.CopyFrom(time_to_wire(user.email_verify_time))
    return message


def profile_to_wire(profile: Profile) -> user_pb2.User:
    """A message with only what the user may change."""
    return user_pb2.User(
        display_name=profile.display_name,
        language_code=profile.language_code,
        time_zone=profile.time_zone,
        country_code=profile.country_code,
        preferences=user_pb2.Preferences(
            marketing_email=profile.preferences.marketing_email,
            reminder_email=profile.preferences.reminder_email,
        ),
    )


def profile_from_wire(message: user_pb2.User) -> Profile:
    """What a message says of the user, as it is: the domain checks it."""
    return Profile(
        display_name=message.display_name,
        language_code=message.language_code,
        time_zone=message.time_zone,
        country_code=message.country_code,
        preferences=Preferences(
            marketing_email=message.preferences.marketing_email,
            reminder_email=message.preferences.reminder_email,
        ),
    )


def session_to_wire(session: Session) -> domain_events_pb2.Session:
    """The message of a session; no token or hash of one is in it."""
    return domain_events_pb2.Session(
        name=session.name,
        user=session.user,
        create_time=time_to_wire(session.create_time),
        refresh_time=time_to_wire(session.refresh_time),
        end_time=time_to_wire(session.end_time),
    )
