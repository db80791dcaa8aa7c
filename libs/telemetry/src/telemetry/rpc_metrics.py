"""Rpcs served and called: rate, errors, duration, and why they were refused."""

from prometheus_client import Counter, Histogram

from telemetry import families
from telemetry.declarations import Declared
from telemetry.registry import Registry


class RpcMetrics:
    """Rpcs of one side."""

    def __init__(self, registry: Registry, handled: Declared, seconds: Declared, in_flight: Declared) -> None:
        self._handled, self._seconds = registry.counter(handled), registry.histogram(seconds)
        in_flight_now = registry.gauge(in_flight)
        self.started, self._over = in_flight_now.inc, in_flight_now.dec

    def of(self, method: str) -> "MethodMetrics":
        """Of one rpc; `method` is its full name without the first slash. Asked for once, as looking up labels costs."""
        return MethodMetrics(self._handled, self._seconds.labels(method), method)

    def ended(self, of: "MethodMetrics", code: str, seconds: float) -> None:
        """One ended; `code` is the canonical name: OK, NOT_FOUND, …"""
        self._over()
        of.ended(code, seconds)


class MethodMetrics:
    """One rpc, with what is counted looked up beforehand."""

    __slots__ = ("_by_code", "_handled", "_method", "_observe")

    def __init__(self, handled: Counter, seconds: Histogram, method: str) -> None:
        self._handled, self._method, self._observe = handled, method, seconds.observe
        self._by_code = {"OK": handled.labels(method, "OK")}

    def ended(self, code: str, seconds: float) -> None:
        """See RpcMetrics.ended."""
        counted = self._by_code.get(code)
        if counted is None:
            counted = self._by_code[code] = self._handled.labels(self._method, code)
        counted.inc()
        self._observe(seconds)


class RefusalMetrics:
    """Why rpcs are refused."""

    def __init__(self, registry: Registry) -> None:
        self._refused = registry.counter(families.RPC_REFUSALS)

    def refused(self, method: str, reason: str) -> None:
        """`reason` is a constant of the code, UPPER_SNAKE."""
        self._refused.labels(method, reason).inc()
