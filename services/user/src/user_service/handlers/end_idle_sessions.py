"""End the sessions that were unused for too long."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import SessionRepository

ACTOR = "services/user"


async def end_idle_sessions(sessions: SessionRepository, *, now: datetime, limit: int) -> int:
    """How many were found; `limit` at most. Replicas that do it at the same time end each session once."""
    found = await sessions.expired(now, limit)
    for session in found:
        cause = Cause(key=f"{ACTOR}|end-idle|{session.name}|{session.version}", actor=ACTOR)
        await sessions.update(session.name, lambda current: current.expire(now), cause=cause)
    return len(found)
