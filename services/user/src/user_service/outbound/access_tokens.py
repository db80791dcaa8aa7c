"""Access tokens with the roles of the moment they are signed in."""

from datetime import timedelta

import access
from domain_kit.clock import Clock
from user_service.domain.ports import AccessToken, OrganizerRepository
from user_service.domain.sessions import Session
from user_service.outbound.signing_keys import SigningKeys

# A token travels in a header with every call: 50 roles are about 3.5 kB of it, and gateways allow 8 kB or more.
ROLES_AT_MOST = 50


class SignedAccessTokens:
    """user_service.domain.ports.AccessTokens. At most 50 roles are in the token, what the user owns first."""

    def __init__(
        self, keys: SigningKeys, organizers: OrganizerRepository, *, issuer: str, lifetime: timedelta, clock: Clock
    ) -> None:
        self._keys, self._organizers, self._lifetime = keys, organizers, lifetime
        self._signer = access.TokenSigner(keys.signing(), issuer, clock=clock)

    async def issue(self, session: Session) -> AccessToken:
        """A token for the session's user."""
        roles = await self._organizers.weightiest_roles(session.user, ROLES_AT_MOST)
        self._signer.key = self._keys.signing()
        token = self._signer.sign(
            session.user,
            {organizer: access.Role(role.value) for organizer, role in roles.items()},
            session=session.name.rpartition("/")[2],
            lifetime=self._lifetime,
        )
        return AccessToken(token, int(self._lifetime.total_seconds()))
