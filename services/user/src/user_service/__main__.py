"""Runs the user service."""

from chassis import start
from user_service.composition import SCHEMA, build
from user_service.settings import Settings

if __name__ == "__main__":
    start(build, SCHEMA, Settings)
