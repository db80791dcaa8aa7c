"""JSON logs, traces and metrics, with one correlation id through all of them."""

from telemetry.correlation import (
    accepted_correlation_id,
    bind_correlation_id,
    correlation_id,
    new_correlation_id,
)
from telemetry.logs import configure_logging, get_logger
from telemetry.metrics import CallMetrics, Metrics
from telemetry.tracing import Tracing, configure_tracing, continue_from, current_traceparent, span

__all__ = [
    "CallMetrics",
    "Metrics",
    "Tracing",
    "accepted_correlation_id",
    "bind_correlation_id",
    "configure_logging",
    "configure_tracing",
    "continue_from",
    "correlation_id",
    "current_traceparent",
    "get_logger",
    "new_correlation_id",
    "span",
]
