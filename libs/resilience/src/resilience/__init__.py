"""Deadlines, retries, circuit breakers and bulkheads around calls that leave the process."""

from resilience.breaker import Breaker
from resilience.bulkhead import Bulkhead
from resilience.deadline import deadline_scope, remaining
from resilience.metrics import BulkheadMetrics, CallMetrics, NoMetrics
from resilience.resilient import Resilient
from resilience.retry import Retry, Retrying, is_transient, retrying

__all__ = [
    "Breaker",
    "Bulkhead",
    "BulkheadMetrics",
    "CallMetrics",
    "NoMetrics",
    "Resilient",
    "Retry",
    "Retrying",
    "deadline_scope",
    "is_transient",
    "remaining",
    "retrying",
]
