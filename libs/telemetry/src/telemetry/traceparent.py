"""The W3C traceparent header (Trace Context, section 3.2), without any tracing library."""

import re
from typing import NamedTuple

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


class TraceIds(NamedTuple):
    """Lower-case hex: 32 digits of the trace, 16 of the span; empty when there is none."""

    trace_id: str
    span_id: str


NO_TRACE = TraceIds("", "")


def parse(header: str) -> TraceIds:
    """Its ids, or `NO_TRACE` for a header that is missing or malformed, which the specification says to ignore."""
    found = _FORM.match(header)
    if found is None or (header.startswith("00-") and found.end() != len(header)):
        return NO_TRACE
    return TraceIds(found[1], found[2])
