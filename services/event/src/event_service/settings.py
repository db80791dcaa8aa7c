"""Settings of the event service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """payment_target: who says what organizers can be paid in; empty: nobody is asked."""

    service: str = "event"
    payment_target: str = variable("USHER_PAYMENT_TARGET", default="")
