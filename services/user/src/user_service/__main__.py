"""Runs the user service."""

import os

from environment import read
from grpc_runtime import run
from user_service.composition import build
from user_service.settings import Settings

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
