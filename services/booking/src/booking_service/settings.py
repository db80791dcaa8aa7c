"""Settings of the booking service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import positive


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """hold_seconds: how long places are held. watch_seconds: how long a stream of availability lasts at most.

    lanes: commits at once. lane_bound: commands that may wait in a lane.
    """

    service: str = "booking"
    hold_seconds: float = variable("USHER_HOLD_SECONDS", positive, default=600.0)
    watch_seconds: float = variable("USHER_WATCH_SECONDS", positive, default=600.0)
    lanes: int = variable("USHER_LANES", _count, default=4)
    lane_bound: int = variable("USHER_LANE_BOUND", _count, default=4096)
