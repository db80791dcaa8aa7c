"""Short-lived access tokens: signed JWTs (RFC 7519, ES256) whose claims are written and read only here."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from access.keys import ALGORITHM, KeySource, SigningKey
from access.principal import Principal, Role
from domain_kit.clock import Clock, utc_now
from domain_kit.refusals import Unauthenticated

AUDIENCE = "usher"
LIFETIME = timedelta(minutes=10)
_LONGEST = 16 * 1024
_USER = re.compile(r"users/[^/]+")


class TokenSigner:
    """Makes access tokens. `key` may be set to a rotated one."""

    def __init__(self, key: SigningKey, issuer: str, *, audience: str = AUDIENCE, clock: Clock = utc_now) -> None:
        self.key = key
        self._issuer, self._audience, self._clock = issuer, audience, clock

    def sign(self, user: str, roles: Mapping[str, Role], *, session: str = "", lifetime: timedelta = LIFETIME) -> str:
        """A token for "users/{user}" with its roles by organizer, valid for `lifetime` from now."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "sid": session,
            "roles": {organizer: role.value for organizer, role in roles.items()},
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self.key.kid, "typ": "JWT"}, claims, self.key.private)


class TokenVerifier:
    """Turns an access token into a principal.

    Remembers what it verified for `remember` seconds, so that a client's calls in a row cost one signature check; a key
    taken out of use therefore counts until then.
    """

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str,
        audience: str = AUDIENCE,
        clock: Clock = utc_now,
        leeway: float = 5.0,
        remember: float = 60.0,
        remember_most: int = 4096,
    ) -> None:
        self._keys, self._issuer, self._audience, self._clock = keys, issuer, audience, clock
        self._leeway, self._remember, self._remember_most = leeway, remember, remember_most
        self._verified: dict[str, tuple[Principal, float]] = {}

    async def verify(self, token: str) -> Principal:
        """The principal. Unauthenticated TOKEN_EXPIRED or TOKEN_INVALID; Unavailable when no keys are known."""
        now = self._clock().timestamp()
        remembered = self._verified.get(token)
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        principal = self._principal(await self._claims(token), now)
        if len(self._verified) >= self._remember_most:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = (principal, min(now + self._remember, principal.expires.timestamp() + self._leeway))
        return principal

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            if len(token) > _LONGEST:
                raise _invalid()
            header = jws.extract_compact(token.encode()).headers()
            kid = header.get("kid")
            key = await self._keys.key(kid) if isinstance(kid, str) and header.get("alg") == ALGORITHM else None
            if key is None:
                raise _invalid()
            return jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _invalid() from error

    def _principal(self, claims: Mapping[str, Any], now: float) -> Principal:
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        user, expires, roles = claims.get("sub"), claims.get("exp"), claims.get("roles", {})
        if claims.get("iss") != self._issuer or self._audience not in named or not isinstance(roles, dict):
            raise _invalid()
        if not isinstance(user, str) or not _USER.fullmatch(user) or not isinstance(expires, int | float):
            raise _invalid()
        if expires + self._leeway <= now:
            raise Unauthenticated("TOKEN_EXPIRED", "The access token has expired; refresh it.")
        known = {organizer: Role(role) for organizer, role in roles.items() if role in Role.__members__}
        return Principal(user, datetime.fromtimestamp(expires, UTC), str(claims.get("sid", "")), known)


def _invalid() -> Unauthenticated:
    return Unauthenticated("TOKEN_INVALID", "The access token is not valid.")
