"""Settings of the user service."""

from dataclasses import dataclass
from datetime import timedelta

from environment import ServiceSettings, variable
from environment.reading import positive
from user_service.domain.key_rotation import RotationPolicy
from user_service.domain.lockout import LockoutPolicy
from user_service.domain.sessions import SessionLimits


def count(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError("must be above 0")
    return number


def not_negative(text: str) -> float:
    """A number of at least 0."""
    return 0.0 if float(text) == 0 else positive(text)


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """Argon2id as OWASP's Password Storage Cheat Sheet asks: 19 MiB, two passes, one lane."""

    service: str = "user"
    argon2_memory_kib: int = variable("USHER_ARGON2_MEMORY_KIB", count, default=19 * 1024)
    argon2_passes: int = variable("USHER_ARGON2_PASSES", count, default=2)
    argon2_lanes: int = variable("USHER_ARGON2_LANES", count, default=1)
    argon2_threads: int = variable("USHER_ARGON2_THREADS", count, default=2)
    access_token_minutes: float = variable("USHER_ACCESS_TOKEN_MINUTES", positive, default=10.0)
    session_idle_days: float = variable("USHER_SESSION_IDLE_DAYS", positive, default=30.0)
    refresh_retry_seconds: float = variable("USHER_REFRESH_RETRY_SECONDS", not_negative, default=5.0)
    sign_in_attempts: int = variable("USHER_SIGN_IN_ATTEMPTS", count, default=5)
    signing_key_days: float = variable("USHER_SIGNING_KEY_DAYS", positive, default=30.0)

    @property
    def limits(self) -> SessionLimits:
        """How long sessions and lost answers last."""
        return SessionLimits(
            idle=timedelta(days=self.session_idle_days), retry=timedelta(seconds=self.refresh_retry_seconds)
        )

    @property
    def lockout(self) -> LockoutPolicy:
        """When wrong passwords close sign-in."""
        return LockoutPolicy(allowed=self.sign_in_attempts)

    @property
    def rotation(self) -> RotationPolicy:
        """When signing keys change."""
        return RotationPolicy(every=timedelta(days=self.signing_key_days))
