"""Answers that are not JSON: a content type and raw bytes, which the gateway passes through."""

from google.api.httpbody_pb2 import HttpBody


def http_body(content_type: str, data: bytes | str) -> HttpBody:
    """The message the transcoder writes as the plain HTTP body; text is encoded as UTF-8.

    Extra HTTP headers go with `await context.send_initial_metadata(...)` before returning it.
    """
    return HttpBody(content_type=content_type, data=data.encode() if isinstance(data, str) else data)
