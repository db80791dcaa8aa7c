"""Logging and tracing are settings of the process, so each test gets them back as it found them."""

import io
import json
import logging

import pytest

from telemetry import configure_logging


class Lines(io.StringIO):
    def parsed(self) -> list[dict]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines():
    root = logging.getLogger()
    handlers, level, stream = root.handlers, root.level, Lines()
    configure_logging("booking", "INFO", stream)
    yield stream
    root.handlers, root.level = handlers, level
