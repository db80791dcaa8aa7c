"""One JSON object a line on one stream, for our own loggers and for those of libraries."""

import logging
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from telemetry.correlation import correlation_id
from telemetry.tracing import current_ids

# Third-party loggers that tell of every request or heartbeat at INFO.
TALKATIVE = dict.fromkeys(
    ("aiohttp", "asyncio", "elastic_transport", "grpc", "httpx", "pymongo", "stripe"), logging.WARNING
)
# While a broker is away it repeats an ERROR several times a second; event_backbone says the same once.
TALKATIVE["aiokafka"] = logging.CRITICAL
SECRET_KEYS = ("authorization", "password", "secret", "token", "api_key", "cookie")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """For a fixed sentence with the facts as keywords: `log.info("Lane stalled", lane=3)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write JSON lines to `stream` (standard output) from `level` up; talkative libraries speak from WARNING up.

    Every line has time, level, logger, service and message, and correlation_id, trace_id and span_id where they are
    known. Values under keys that name a secret are replaced.
    """
    ours: Sequence[Processor] = (
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _Context(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        _hide_secrets,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Libraries of ours that do not know structlog give their facts as `extra`.
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *ours],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, quiet in TALKATIVE.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *ours,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Context:
    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["service"] = self._service
        if correlation := correlation_id():
            line.setdefault("correlation_id", correlation)
        ids = current_ids()
        if ids.trace_id:
            line["trace_id"], line["span_id"] = ids
        return line


def _hide_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    for key in line:
        if any(secret in key.lower() for secret in SECRET_KEYS):
            line[key] = "[hidden]"
    return line
