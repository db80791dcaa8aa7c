"""Runs the notification service."""

from chassis import start
from notification_service.composition import SCHEMA, build
from notification_service.settings import Settings

if __name__ == "__main__":
    start(build, SCHEMA, Settings)
