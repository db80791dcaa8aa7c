"""Runs the payment service."""

import os

from environment import read
from grpc_runtime import run
from payment_service.composition import build
from payment_service.settings import Settings

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
