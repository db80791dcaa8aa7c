"""Runs the booking service."""

import os

from booking_service.composition import build
from booking_service.settings import Settings
from environment import read
from grpc_runtime import run

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
