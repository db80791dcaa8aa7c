"""Payers that pay what they hold, in a process of their own: book, begin, do what the gateway asks of them, confirm.

Reads one job a line (JSON) from standard input and answers each with one line, as load_client.py does.
"""

import asyncio
import gc
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from load_client import HEAD_END, content_length

SUCCEEDED = "PAYMENT_STATE_SUCCEEDED"
# What may still become SUCCEEDED by itself, looked at so often (seconds).
ON_ITS_WAY, LOOK_SECONDS = (
    {"PAYMENT_STATE_PROCESSING", "PAYMENT_STATE_REQUIRES_ACTION", "PAYMENT_STATE_AUTHORIZED"},
    0.1,
)


class Connection:
    """One kept HTTP/1.1 connection, one call at a time; ConnectionError when it is lost."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._streams = int(port), None

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}:{self._port}", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            head = await reader.readuntil(HEAD_END)
            answer = await reader.readexactly(content_length(head))
        except (asyncio.IncompleteReadError, OSError) as error:
            self.close()
            raise ConnectionError(path) from error
        return int(head[9:12]), answer

    def close(self) -> None:
        """A later call opens another."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


@dataclass
class Tally:
    """What all payers of a job saw. latencies: microseconds from the wish to pay to SUCCEEDED, of each payment."""

    latencies: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    payments: list[list[str]] = field(default_factory=list)
    unanswered: int = 0


class Payer:
    """One client with a token of its own, who pays what it holds."""

    def __init__(self, job: Mapping[str, Any], number: int, tally: Tally) -> None:
        self._job, self._tally, self._token = job, tally, job["tokens"][number]
        self._prefix, self._calls = f"{job['prefix']}c{number}", 0
        self._gateway, self._sandbox = Connection(job["gateway"]), Connection(job["sandbox"])

    async def book(self, left: deque[None]) -> list[str]:
        """One hold after the other, as long as some are left to be made; their names."""
        names = []
        while left:
            left.pop()
            body = {"lines": [{"ticketType": self._job["ticket_type"], "quantity": 1}]}
            booked = await self._api("POST", f"/v1/{self._job['event']}/bookings?requestId={self._id()}", body)
            if booked:
                names.append(booked["name"])
        self.close()
        return names

    async def pay(self, bookings: deque[str], deadline: float) -> None:
        """One payment after the other; none begins after the deadline."""
        while bookings and time.perf_counter() < deadline:
            booking, began = bookings.popleft(), time.perf_counter()
            query = urlencode({**self._job["query"], "requestId": self._id()})
            payment = await self._api("POST", f"/v1/payments?{query}", {"booking": booking, **self._job["payment"]})
            if not payment:
                continue
            wish = {"requestId": self._id(), **await self._agree(payment)}
            payment = await self._api("POST", f"/v1/{payment['name']}:confirm", wish) or payment
            while payment["state"] in ON_ITS_WAY and time.perf_counter() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
                payment = await self._api("GET", f"/v1/{payment['name']}") or payment
            self._tally.payments.append([payment["name"], payment["state"], booking])
            if payment["state"] == SUCCEEDED:
                self._tally.latencies.append(round((time.perf_counter() - began) * 1e6))
            else:
                self._tally.reasons[(payment.get("failure") or {}).get("code") or payment["state"]] += 1
        self.close()

    def close(self) -> None:
        """Its connections."""
        self._gateway.close()
        self._sandbox.close()

    async def _agree(self, payment: Mapping[str, Any]) -> Mapping[str, str]:
        """What the payer's browser does; what is to be confirmed with."""
        if self._job["token"]:
            return {"paymentMethod": self._job["token"]}
        if self._job["checkout"]:
            asked = {name: payment["clientParameters"][name] for name in self._job["checkout_fields"]}
            told = await self._post(self._job["checkout"], {**asked, **self._job["checkout_form"]})
            return {"paymentMethod": told.decode()}
        await self._post(urlsplit(payment["action"]["value"]).path, {"pays": "yes"})
        return {}

    async def _post(self, path: str, form: Mapping[str, str]) -> bytes:
        body = urlencode(form).encode()
        _, told = await self._sandbox.call("POST", path, body, content_type="application/x-www-form-urlencoded")
        return told

    async def _api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer, {} after a refusal or without an answer, which are counted."""
        given, headers = b"" if body is None else json.dumps(body).encode(), {"authorization": f"Bearer {self._token}"}
        try:
            status, told = await self._gateway.call(method, path, given, content_type="application/json", **headers)
        except OSError:
            self._tally.unanswered += 1
            return {}
        if status == 200:
            answer: dict[str, Any] = json.loads(told)
            return answer
        self._tally.reasons[_reason(told) or f"status {status}"] += 1
        return {}

    def _id(self) -> str:
        self._calls += 1
        return f"{self._prefix}n{self._calls}"


def _reason(told: bytes) -> str:
    try:
        return next((each["reason"] for each in json.loads(told).get("details", []) if "reason" in each), "")
    except ValueError:
        return ""


async def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the payers of the job saw; see `payments.py` for what a job holds."""
    tally = Tally()
    payers = [Payer(job, number, tally) for number in range(len(job["tokens"]))]
    cpu, began = time.process_time(), time.perf_counter()
    bookings: Sequence[Sequence[str]] = []
    if "holds" in job:
        left = deque([None] * job["holds"])
        bookings = await asyncio.gather(*(payer.book(left) for payer in payers))
    else:
        deadline = began + job["seconds"]
        mine = [deque(each) for each in job["bookings"]]
        await asyncio.gather(*(payer.pay(each, deadline) for payer, each in zip(payers, mine, strict=True)))
    elapsed = time.perf_counter() - began
    return {**vars(tally), "bookings": bookings, "cpu_seconds": time.process_time() - cpu, "elapsed": elapsed}


def main() -> None:
    """Serve jobs until standard input ends."""
    gc.disable()
    for line in sys.stdin:
        print(json.dumps(asyncio.run(run_job(json.loads(line)))), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
