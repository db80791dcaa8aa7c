"""Runs the analytics service."""

from analytics_service.composition import SCHEMA, build, prepare_index
from analytics_service.settings import Settings
from chassis import start

if __name__ == "__main__":
    start(build, SCHEMA, Settings, beside=prepare_index)
