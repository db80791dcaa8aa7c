from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from user_service.domain import domain_events as facts
from user_service.outbound.domain_events import MESSAGES, encode
from usher.user.v1 import domain_events_pb2 as pb

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MEMBER = facts.Member("users/bob", facts.Role.VIEWER, NOW)
SAMPLES = {
    "users": [
        facts.UserRegistered(),
        facts.EmailVerificationRequested("the token", NOW),
        facts.EmailVerified(),
        facts.UserUpdated(("time_zone",)),
    ],
    "sessions": [
        facts.SessionStarted(),
        facts.SessionRefreshed(),
        *(facts.SessionEnded(reason) for reason in facts.EndReason),
    ],
    "organizers": [
        facts.OrganizerCreated(),
        facts.OrganizerUpdated(("country_code",)),
        facts.MemberAdded(MEMBER),
        facts.MemberRoleChanged(MEMBER, facts.Role.OWNER),
        facts.MemberRemoved(MEMBER),
    ],
}


def test_every_fact_has_a_message_of_its_name_and_a_sample_here():
    known = {*get_args(facts.UserEvent), *get_args(facts.SessionEvent), *get_args(facts.OrganizerEvent)}
    assert set(MESSAGES) == known == {type(fact) for samples in SAMPLES.values() for fact in samples}


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_fact_goes_out_with_the_state_after_it(kind, aggregates, data):
    aggregate = data.draw(aggregates[kind])
    for fact in SAMPLES[kind]:
        encoded = encode(fact, aggregate)
        assert encoded.type == f"usher.user.v1.{type(fact).__name__}"
        message = getattr(pb, type(fact).__name__).FromString(encoded.payload)
        state = {"users": "user", "sessions": "session", "organizers": "snapshot"}[kind]
        assert aggregate.name in str(getattr(message, state))


def test_the_particulars_of_a_fact_go_out(aggregates):
    from hypothesis import find

    organizer = find(aggregates["organizers"], lambda _: True)
    session = find(aggregates["sessions"], lambda _: True)
    user = find(aggregates["users"], lambda _: True)
    changed = pb.MemberRoleChanged.FromString(encode(SAMPLES["organizers"][3], organizer).payload)
    assert (changed.member.user, changed.former_role) == ("users/bob", 1)
    ended = pb.SessionEnded.FromString(encode(facts.SessionEnded(facts.EndReason.TOKEN_REUSED), session).payload)
    assert ended.reason == pb.SessionEnded.REASON_TOKEN_REUSED
    link = pb.EmailVerificationRequested.FromString(encode(SAMPLES["users"][1], user).payload)
    assert (link.token, link.expire_time.seconds) == ("the token", int(NOW.timestamp()))
    assert list(pb.UserUpdated.FromString(encode(SAMPLES["users"][3], user).payload).changed_paths) == ["time_zone"]
