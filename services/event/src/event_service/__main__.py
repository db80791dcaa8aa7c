"""Runs the event service."""

import os

from environment import read
from grpc_runtime import run

from event_service.composition import build
from event_service.settings import Settings

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
