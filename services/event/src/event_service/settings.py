"""Settings of the event service."""

from dataclasses import dataclass

from environment import ServiceSettings


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """Nothing beyond what every service has."""

    service: str = "event"
