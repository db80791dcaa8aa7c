"""One caller who books, one booking at a time: as little client as can be, since every step of it counts here."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from load_client import HEAD_END, Step, content_length, quoted_after

from local_stack.readiness import LOOPBACK


@dataclass
class Lone:
    """What came of it. latencies: microseconds from the first byte sent to the last received."""

    latencies: list[int] = field(default_factory=list)
    acknowledged: list[list[str]] = field(default_factory=list)


def book(port: int, token: str, step: Mapping[str, str], prefix: str, seconds: float, rest: float) -> Lone:
    """Bookings by a blocking socket, as the bare transactions are made by a blocking driver. rest: seconds between.

    ConnectionError for any answer but a booking.
    """
    request, done = Step(f"{LOOPBACK}:{port}", token, step, prefix), Lone()
    with socket.create_connection((LOOPBACK, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end, number = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            number += 1
            sent = request.encode(number, b"")
            began = time.perf_counter()
            connection.sendall(sent)
            answer = _answer(connection)
            done.latencies.append(round((time.perf_counter() - began) * 1e6))
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(f"a lone booking was answered {answer[:400]!r}")
            name, state = quoted_after(answer, b'{"name":"'), quoted_after(answer, b'"state":"')
            done.acknowledged.append([name.decode(), state.decode()])
            time.sleep(rest)  # the pace that is asked for; nothing is waited for
    return done


def _answer(connection: socket.socket) -> bytes:
    """Head and body of one answer."""
    answer, length = b"", -1
    while length < 0 or len(answer) < length:
        received = connection.recv(65536)
        if not received:
            raise ConnectionError("the gateway closed the connection of a lone booking")
        answer += received
        end = answer.find(HEAD_END)
        if length < 0 <= end:
            length = end + len(HEAD_END) + content_length(answer[:end])
    return answer
