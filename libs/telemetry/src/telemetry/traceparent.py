"""The W3C traceparent header (Trace Context, section 3.2), without any tracing library."""

import random
import re
from typing import NamedTuple

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


class TraceIds(NamedTuple):
    """Lower-case hex: 32 digits of the trace, 16 of the span; empty when there is none."""

    trace_id: str
    span_id: str


NO_TRACE = TraceIds("", "")


def parse(header: str) -> TraceIds:
    """Its ids, or `NO_TRACE` for a header that is missing or malformed, which the specification says to ignore."""
    found = _matched(header)
    return NO_TRACE if found is None else TraceIds(found[1], found[2])


def is_sampled(header: str) -> bool:
    """Whether its sender records the trace (section 3.2.2.5.1); not where it is malformed."""
    found = _matched(header) if header else None
    return found is not None and bool(int(found[3], 16) & _SAMPLED)


def unrecorded() -> str:
    """Of a trace that begins here and is not recorded, so that nobody who continues it begins one instead."""
    return f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-00"  # no secret


def _matched(header: str) -> "re.Match[str] | None":
    found = _FORM.match(header)
    if found is None or (header.startswith("00-") and found.end() != len(header)):
        return None
    return found
