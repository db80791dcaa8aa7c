"""What the user service measures."""

from collections.abc import Mapping

from google.protobuf.message import Message

from telemetry import Declared, Metrics, counter, families
from usher.user.v1 import domain_events_pb2 as pb

USERS = counter("users", "Accounts.", {"outcome": "`registered` or `verified`"})
SESSIONS = counter("sessions", "Sessions.", {"outcome": "`started` (a sign-in), `refreshed` or `ended`"})
ORGANIZERS = counter("organizers", "Organizers.", {"outcome": "`created`"})
MEMBERS = counter("members", "Members of organizers.", {"outcome": "`added`, `changed` or `removed`"})

METRICS = (*families.EVERY_SERVICE, *families.PUBLISHES, *families.BULKHEADS, USERS, SESSIONS, ORGANIZERS, MEMBERS)

OUTCOMES: Mapping[Declared, Mapping[str, type[Message]]] = {
    USERS: {"registered": pb.UserRegistered, "verified": pb.EmailVerified},
    SESSIONS: {"started": pb.SessionStarted, "refreshed": pb.SessionRefreshed, "ended": pb.SessionEnded},
    ORGANIZERS: {"created": pb.OrganizerCreated},
    MEMBERS: {"added": pb.MemberAdded, "changed": pb.MemberRoleChanged, "removed": pb.MemberRemoved},
}


def count_business(metrics: Metrics) -> None:
    """What people do, counted from the domain events of this process."""
    metrics.domain_events.outcomes(OUTCOMES)
