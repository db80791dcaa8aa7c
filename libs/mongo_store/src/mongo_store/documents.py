"""How documents look when they come back from MongoDB: UTC datetimes in milliseconds, lists for tuples, plain bytes."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)


def as_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy as MongoDB would return it; bson.errors.InvalidDocument for a value BSON cannot hold."""
    return bson.decode(bson.encode(document), codec_options=CODEC)
