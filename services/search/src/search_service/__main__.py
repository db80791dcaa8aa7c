"""Runs the search service."""

from chassis import start
from search_service.composition import SCHEMA, build, prepare_index
from search_service.settings import Settings

if __name__ == "__main__":
    start(build, SCHEMA, Settings, beside=prepare_index)
