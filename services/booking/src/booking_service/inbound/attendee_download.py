"""A download of attendees in parts that neither fill a message nor hold up the loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from google.api.httpbody_pb2 import HttpBody

from booking_service.domain.booking import Booking
from booking_service.domain.offer import Offer
from booking_service.inbound.attendee_files import BYTE_ORDER_MARK, csv_writer, json_line, rows_of
from grpc_runtime import http_body
from usher.booking.v1 import attendee_service_pb2 as pb

CSV, JSON_LINES = "text/csv; charset=utf-8; header=present", "application/jsonl"
PART = 64 * 1024  # characters


async def download_of(
    pages: AsyncIterator[Sequence[Booking]], offer: Offer, request: pb.ExportAttendeesRequest
) -> AsyncGenerator[HttpBody, None]:
    """The file part by part; the first part has the first line of CSV."""
    as_json = request.format == pb.ATTENDEE_FILE_FORMAT_JSON_LINES
    kind = JSON_LINES if as_json else CSV
    header, line = ("", json_line) if as_json else csv_writer(offer)
    text = (BYTE_ORDER_MARK if request.byte_order_mark and not as_json else "") + header
    async for page in pages:
        for row in (row for booking in page for row in rows_of(booking)):
            text += line(row)
            if len(text) >= PART:
                yield http_body(kind, text)
                text = ""
                await asyncio.sleep(0)
    yield http_body(kind, text)
