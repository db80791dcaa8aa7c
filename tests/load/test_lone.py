"""The lone booker sends, waits for all of an answer, and stops at anything but a booking."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import lone
import pytest

BOOKED = b'{"name":"events/e/bookings/1","state":"BOOKING_STATE_HELD","createTime":"2026-03-01T00:00:00Z"}'
STEP = {"method": "POST", "path": "/v1/events/e/bookings?requestId={id}", "body": "{}"}


@contextmanager
def gateway(*answers: tuple[bytes, bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Answers status and body in turn, in pieces, the last one again and again; its port, and what it was sent."""
    seen: list[bytes] = []

    class Calls(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                while self.rfile.readline() != b"\r\n":
                    pass
                seen.append(line + self.rfile.read(2))
                status, body = answers[min(len(seen), len(answers)) - 1]
                answer = b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)
                for piece in (answer[:20], answer[20:]):
                    self.wfile.write(piece)

    with socketserver.TCPServer(("127.0.0.1", 0), Calls) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            serving.join()


def test_each_booking_is_timed_and_told() -> None:
    with gateway((b"200 OK", BOOKED)) as (port, seen):
        done = lone.book(port, "t", STEP, "p.", seconds=0.05, rest=0.0)
    assert len(done.latencies) == len(done.acknowledged) == len(seen)
    assert done.acknowledged[0] == ["events/e/bookings/1", "BOOKING_STATE_HELD"]
    assert seen[0] == b"POST /v1/events/e/bookings?requestId=p.0000000001 HTTP/1.1\r\n{}"


def test_a_refusal_is_not_taken_for_a_fast_booking() -> None:
    refused = b'{"details":[{"reason":"SOLD_OUT"}]}'
    with gateway((b"200 OK", BOOKED), (b"400 Bad Request", refused)) as (port, _):
        with pytest.raises(ConnectionError, match="SOLD_OUT"):
            lone.book(port, "t", STEP, "p.", seconds=5.0, rest=0.0)
