"""Settings of the payment service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import positive


def _secrets(text: str) -> tuple[str, ...]:
    found = tuple(secret.strip() for secret in text.split(",") if secret.strip())
    if not found:
        raise ValueError("at least one secret is needed")
    return found


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """stripe_webhook_secrets: two while one is replaced. gateway_seconds: for one answer. public_url: where payers
    come back to from a bank's page.
    """

    service: str = "payment"
    booking_target: str = variable("USHER_BOOKING_TARGET")
    stripe_url: str = variable("USHER_STRIPE_URL", default="https://api.stripe.com")
    stripe_api_key: str = variable("USHER_STRIPE_API_KEY", secret=True)
    stripe_webhook_secrets: tuple[str, ...] = variable("USHER_STRIPE_WEBHOOK_SECRET", _secrets, secret=True)
    gateway_seconds: float = variable("USHER_GATEWAY_SECONDS", positive, default=8.0)
    public_url: str = variable("USHER_PUBLIC_URL", default="http://127.0.0.1:8080")
