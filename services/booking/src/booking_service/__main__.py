"""Runs the booking service."""

from booking_service.composition import SCHEMA, build
from booking_service.settings import Settings
from chassis import start

if __name__ == "__main__":
    start(build, SCHEMA, Settings)
