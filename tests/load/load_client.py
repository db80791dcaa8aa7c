"""Clients that call over HTTP/1.1 keep-alive as fast as they are answered, in a process of their own.

Reads one job a line (JSON) from standard input and answers each with one line. Standard library only, requests encoded
before the clock starts, answers taken apart no further than needed, so that the client is not what is measured.
"""

import asyncio
import functools
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ID_DIGITS = 10
HEAD_END = b"\r\n\r\n"


class Step:
    """One request of an iteration. `{id}` stands for a request id of its own, `{name}` for the name answered before."""

    def __init__(self, host: str, token: str, step: Mapping[str, str], prefix: str) -> None:
        body = step.get("body", "").replace("{id}", prefix + "{id}")
        length = len(body.replace("{id}", "0" * ID_DIGITS).encode())
        lines = [f"{step['method']} {step['path'].replace('{id}', prefix + '{id}')} HTTP/1.1", f"host: {host}"]
        if token:
            lines.append(f"authorization: Bearer {token}")
        if body:
            lines += ["content-type: application/json", f"content-length: {length}"]
        text = "\r\n".join([*lines, "", body])
        self._parts = text.encode().split(b"{id}")
        self.named = "{name}" in text

    def encode(self, number: int, name: bytes) -> bytes:
        """The bytes to send."""
        text = b"%0*d" % (ID_DIGITS, number)
        whole = text.join(self._parts)
        return whole.replace(b"{name}", name) if self.named else whole


@dataclass
class Tally:
    """What all clients of a job saw. latencies: microseconds a whole iteration, of those inside the window."""

    latencies: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    acknowledged: list[list[str]] = field(default_factory=list)
    unanswered: int = 0


@dataclass(frozen=True)
class Window:
    """Moments of time.perf_counter: iterations that end in between count; none starts after the end."""

    opens: float
    closes: float


class Client(asyncio.Protocol):
    """One connection, one call at a time: the steps of an iteration in order, then again from the first."""

    def __init__(
        self, variants: Sequence[Sequence[Step]], tally: Tally, *, first: int, every: float, stop_on_refusal: bool
    ) -> None:
        """variants: taken in turn, from the number `first` on. every: seconds from start to start; 0: at once."""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._variants, self._turn, self._every = variants, first, every
        self._steps, self._tally, self._stop_on_refusal = variants[0], tally, stop_on_refusal
        self._number = self._position = 0
        self._name, self._buffer, self._expected = b"", b"", -1
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def go(self, window: Window, delay: float = 0.0) -> None:
        """Start after so many seconds."""
        self._window, self._next = window, time.perf_counter() + delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self._first)
        else:
            self._first()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if self._expected < 0:
            end = buffer.find(HEAD_END)
            if end < 0:
                return
            self._expected = end + 4 + content_length(buffer[:end])
        if len(buffer) < self._expected:
            return
        self._buffer, self._expected, self._waiting = b"", -1, False
        self._answered(int(buffer[9:12]), buffer)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self._tally.unanswered += self._waiting
            self.done.set_result(None)

    def _first(self) -> None:
        self._began = time.perf_counter()
        if self._began >= self._window.closes:
            self.done.set_result(None)
            self._transport.close()
            return
        self._steps = self._variants[self._turn % len(self._variants)]
        self._turn += 1
        self._position, self._name = 0, b""
        self._send()

    def _send(self) -> None:
        self._number += 1
        self._waiting = True
        self._transport.write(self._steps[self._position].encode(self._number, self._name))

    def _answered(self, status: int, answer: bytes) -> None:
        tally, ended = self._tally, time.perf_counter()
        tally.statuses[status] += 1
        if status != 200:
            tally.reasons[quoted_after(answer, b'"reason":"').decode() or f"status {status}"] += 1
            if self._stop_on_refusal:
                self.done.set_result(None)
                self._transport.close()
                return
        else:
            name = quoted_after(answer, b'{"name":"')
            if name:
                self._name = name
                state, created = quoted_after(answer, b'"state":"'), quoted_after(answer, b'"createTime":"')
                tally.acknowledged.append([name.decode(), state.decode(), created.decode()])
        if status == 200 and self._position + 1 < len(self._steps):
            self._position += 1
            self._send()
            return
        if self._window.opens <= ended <= self._window.closes and status == 200:
            tally.latencies.append(round((ended - self._began) * 1e6))
        self._next += self._every
        if (wait := self._next - ended) > 0 and self._every:
            asyncio.get_running_loop().call_later(wait, self._first)
        else:
            self._first()


def content_length(head: bytes) -> int:
    """Bytes of the body; ValueError when the answer does not say, which the gateway always does for these calls."""
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


def quoted_after(text: bytes, mark: bytes) -> bytes:
    """What stands between `mark` and the next quotation mark; empty when there is no mark."""
    start = text.find(mark)
    return b"" if start < 0 else text[start + len(mark) : text.find(b'"', start + len(mark))]


async def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the clients of the job saw; see `bench.py` for what a job holds."""
    loop, tally = asyncio.get_running_loop(), Tally()
    host, port = job["host"], int(job["port"])
    count, pace = len(job["tokens"]), float(job.get("per_second", 0))
    every, clients = count / pace if pace else 0.0, []
    for number, token in enumerate(job["tokens"]):
        prefix = f"{job['prefix']}.{number}."
        variants = [[Step(f"{host}:{port}", token, step, prefix) for step in steps] for steps in job["variants"]]
        make = functools.partial(
            Client, variants, tally, first=number * 7, every=every, stop_on_refusal=bool(job.get("stop_on_refusal"))
        )
        clients.append((await loop.create_connection(make, host, port))[1])
    now = time.perf_counter()
    window = Window(now + job["warm_seconds"], now + job["warm_seconds"] + job["seconds"])
    cpu = time.process_time()
    for number, client in enumerate(clients):
        client.go(window, number / pace if pace else 0.0)
    began = time.perf_counter()
    _, late = await asyncio.wait([client.done for client in clients], timeout=job["seconds"] + 30)
    tally.unanswered += len(late)
    return {
        "latencies": tally.latencies,
        "statuses": tally.statuses,
        "reasons": tally.reasons,
        "acknowledged": tally.acknowledged,
        "unanswered": tally.unanswered,
        "cpu_seconds": time.process_time() - cpu,
        "seconds": job["seconds"],
        "elapsed": time.perf_counter() - began,
    }


def main() -> None:
    """Serve jobs until standard input ends."""
    gc.disable()
    for line in sys.stdin:
        print(json.dumps(asyncio.run(run_job(json.loads(line)))), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
