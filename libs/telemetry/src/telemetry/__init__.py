"""JSON logs, traces and metrics, with one correlation id through all of them."""

from telemetry import families
from telemetry.correlation import (
    accepted_correlation_id,
    bind_correlation_id,
    correlation_id,
    new_correlation_id,
)
from telemetry.declarations import Declared, counter, gauge, histogram
from telemetry.logs import configure_logging
from telemetry.metrics import Metrics
from telemetry.tracing import Span, Tracing, configure_tracing, continue_from, current_traceparent, sending, span

__all__ = [
    "Declared",
    "Metrics",
    "Span",
    "Tracing",
    "accepted_correlation_id",
    "bind_correlation_id",
    "configure_logging",
    "configure_tracing",
    "continue_from",
    "correlation_id",
    "counter",
    "current_traceparent",
    "families",
    "gauge",
    "histogram",
    "new_correlation_id",
    "sending",
    "span",
]
