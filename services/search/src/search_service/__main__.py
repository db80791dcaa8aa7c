"""Runs the search service."""

import os

from environment import read
from grpc_runtime import run
from search_service.composition import build
from search_service.settings import Settings

if __name__ == "__main__":
    run(build, read(Settings, os.environ))
