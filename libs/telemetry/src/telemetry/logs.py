"""One JSON object a line on one stream, for our own loggers and for those of libraries."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from telemetry.correlation import correlation_id
from telemetry.tracing import current_ids

# Third-party loggers that tell of every request or heartbeat at INFO.
TALKATIVE = dict.fromkeys(
    ("aiohttp", "asyncio", "elastic_transport", "grpc", "httpx", "pymongo", "stripe"), logging.WARNING
)
# While a broker is away it repeats an ERROR several times a second; event_backbone says the same once.
TALKATIVE["aiokafka"] = logging.CRITICAL
SECRET_KEYS = ("authorization", "password", "secret", "token", "api_key", "cookie")
# What a record has without `extra`; "message" and "asctime" are there once another handler has formatted it.
OF_ANY_RECORD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


def configure_logging(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write JSON lines to `stream` (standard output) from `level` up; talkative libraries speak from WARNING up.

    Every line has time, level, logger, service and message, and correlation_id, trace_id and span_id where they are
    known; facts come as `extra`. Values under keys that name a secret are replaced.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_Lines(service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, quiet in TALKATIVE.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))


class _Lines(logging.Formatter):
    # The standard library's and not a package: what such packages import costs each process 5 MiB.

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {key: value for key, value in vars(record).items() if key not in OF_ANY_RECORD}
        line |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "service": self._service,
            "message": record.getMessage(),
        }
        if correlation := correlation_id():
            line.setdefault("correlation_id", correlation)
        ids = current_ids()
        if ids.trace_id:
            line["trace_id"], line["span_id"] = ids
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        for key in line:
            if any(secret in key.lower() for secret in SECRET_KEYS):
                line[key] = "[hidden]"
        return json.dumps(line, ensure_ascii=False, default=repr)
