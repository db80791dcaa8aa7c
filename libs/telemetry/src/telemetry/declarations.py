"""What a metric is called and what it tells, before any process has it: what code, page and tests go by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]

# Seconds. From an empty rpc to the longest deadline a caller is given.
DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# Seconds, for what travels from process to process and may wait for one that is away.
DELAYS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """A metric by the name that a scrape shows (`usher_…_total` for a counter).

    labels: label → what its values are. Never an id, an address or anything else that grows with use.
    rare: when it has a sample at all, for one that a healthy, busy process may never show; "" for the others.
    """

    kind: Kind
    name: str
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)
    rare: str = ""
    buckets: Sequence[float] = DURATIONS


def counter(name: str, text: str, labels: Mapping[str, str] | None = None, *, rare: str = "") -> Declared:
    """`usher_<name>_total`."""
    return Declared("counter", f"usher_{name}_total", text, labels or {}, rare)


def gauge(name: str, text: str, labels: Mapping[str, str] | None = None, *, rare: str = "") -> Declared:
    """`usher_<name>`; the name ends in its unit where it has one."""
    return Declared("gauge", f"usher_{name}", text, labels or {}, rare)


def histogram(
    name: str,
    text: str,
    labels: Mapping[str, str] | None = None,
    *,
    buckets: Sequence[float] = DURATIONS,
    rare: str = "",
) -> Declared:
    """`usher_<name>`; the name ends in its unit, seconds unless `buckets` says otherwise."""
    return Declared("histogram", f"usher_{name}", text, labels or {}, rare, buckets)
