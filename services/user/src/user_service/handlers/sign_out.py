"""End the session a refresh token belongs to."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.domain_events import EndReason
from user_service.domain.ports import SessionRepository


async def sign_out(sessions: SessionRepository, *, token: str, cause: Cause, now: datetime) -> None:
    """A token that is unknown or dead is no error: its session is as ended as its holder wants it."""
    session = await sessions.with_token(token)
    if session is not None:
        await sessions.update(session.name, lambda current: current.end(EndReason.SIGNED_OUT, now), cause=cause)
