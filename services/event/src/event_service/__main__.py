"""Runs the event service."""

from chassis import start
from event_service.composition import SCHEMA, build
from event_service.settings import Settings

if __name__ == "__main__":
    start(build, SCHEMA, Settings)
