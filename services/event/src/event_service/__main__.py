"""Runs the event service."""

import os

from environment import read
from event_service.composition import build
from event_service.settings import Settings
from grpc_runtime import run

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
