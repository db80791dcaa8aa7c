"""Settings of the payment service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import positive


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """gateways_file: JSON, gateway → credentials. gateway_seconds: for one answer. public_url: where payers come back
    to from a bank's page, and where gateways send webhooks. terms_file: what organizers agreed on about fees and
    payouts.
    """

    service: str = "payment"
    booking_target: str = variable("USHER_BOOKING_TARGET")
    gateways_file: str = variable("USHER_GATEWAYS_FILE")
    gateway_seconds: float = variable("USHER_GATEWAY_SECONDS", positive, default=8.0)
    terms_file: str = variable("USHER_TERMS_FILE", default="")
    public_url: str = variable("USHER_PUBLIC_URL", default="http://127.0.0.1:8080")
