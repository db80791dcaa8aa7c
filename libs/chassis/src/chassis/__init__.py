"""What every stateful service is built on, put together once (the microservice chassis pattern, Richardson)."""

from chassis.chassis import Chassis, open_chassis
from chassis.operating import Command, Said
from chassis.start import start

__all__ = ["Chassis", "Command", "Said", "open_chassis", "start"]
