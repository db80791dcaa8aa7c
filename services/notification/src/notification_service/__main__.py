"""Runs the notification service."""

import os

from environment import read
from grpc_runtime import run
from notification_service.composition import build
from notification_service.settings import Settings

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
