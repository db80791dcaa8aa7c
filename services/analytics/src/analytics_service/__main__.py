"""Runs the analytics service."""

import os

from analytics_service.composition import build
from analytics_service.settings import Settings
from environment import read
from grpc_runtime import run

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
