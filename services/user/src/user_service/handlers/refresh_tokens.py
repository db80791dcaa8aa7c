"""Trade a refresh token for new tokens."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import AccessTokens, SessionRepository, Tokens
from user_service.domain.secret_tokens import new_salt
from user_service.domain.sessions import SessionLimits, refresh_token_invalid


async def refresh_tokens(
    sessions: SessionRepository,
    access_tokens: AccessTokens,
    *,
    token: str,
    limits: SessionLimits,
    cause: Cause,
    now: datetime,
) -> Tokens:
    """Unauthenticated REFRESH_TOKEN_INVALID or REFRESH_TOKEN_REUSED."""
    found = await sessions.with_token(token)
    if found is None:
        raise refresh_token_invalid()
    salt = new_salt()
    session = await sessions.update(found.name, lambda current: current.refresh(token, salt, now, limits), cause=cause)
    successor = session.successor(token)
    return Tokens(await access_tokens.issue(session), successor, session.user)
