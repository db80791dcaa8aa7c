"""Buyers who ask again until they are answered, always with the same request id, and who remember every answer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from onsale import PATIENCE_SECONDS, Sale, World

from domain_kit.ids import new_id
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub

# What says "not now", and nothing of whether it was done.
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
HELD, CONFIRMED, CANCELLED = (
    booking_pb2.BOOKING_STATE_HELD, booking_pb2.BOOKING_STATE_CONFIRMED, booking_pb2.BOOKING_STATE_CANCELLED
)  # fmt: skip

SOLD_OUT = "FAILED_PRECONDITION SOLD_OUT"


class Refused(Exception):
    """Code and reason of a final answer that is no."""


@dataclass
class Crowd:
    """told: name → the booking as its buyer was told last. repeats: how often something had to be asked again.

    routed: the share of calls that say whose event they are about, so that the gateway sends them to one replica; the
    others reach any, and then replicas get into each other's way.
    """

    stub: BookingServiceStub
    tokens: Sequence[str]
    sale: Sale
    rng: random.Random
    routed: float = 0.5
    told: dict[str, booking_pb2.Booking] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    repeats: int = 0

    async def hold(self, quantity: int = 1) -> booking_pb2.Booking:
        """Refused."""
        lines = [booking_pb2.BookingLine(ticket_type=self.sale.ticket_type, quantity=quantity)]
        wanted = booking_pb2.Booking(lines=lines)
        request = pb.CreateBookingRequest(parent=self.sale.event, booking=wanted, request_id=new_id())
        token = self.rng.choice(self.tokens)
        booking = await self._ask(self.stub.CreateBooking, request, token)
        self._tokens_of[booking.name] = token
        return booking

    async def confirm(self, name: str) -> booking_pb2.Booking:
        """Refused."""
        request = pb.ConfirmBookingRequest(name=name, request_id=new_id())
        return await self._ask(self.stub.ConfirmBooking, request, self._tokens_of[name])

    async def cancel(self, name: str) -> booking_pb2.Booking:
        """Refused."""
        request = pb.CancelBookingRequest(name=name, request_id=new_id())
        return await self._ask(self.stub.CancelBooking, request, self._tokens_of[name])

    async def visit(self, quantity: int = 1) -> None:
        """One booking, to some end or left as a hold; refusals are counted."""
        try:
            name = (await self.hold(quantity)).name
            end = self.rng.random()
            if end < 0.75:
                await self.confirm(name)
            if end < 0.1 or 0.75 <= end < 0.9:
                await self.cancel(name)
        except Refused as refusal:
            self.refusals[str(refusal)] += 1

    _tokens_of: dict[str, str] = field(default_factory=dict)

    async def _ask(self, call: Callable[..., Awaitable[Any]], request: Any, token: str) -> booking_pb2.Booking:
        metadata = [("authorization", f"Bearer {token}")]
        if self.rng.random() < self.routed:
            metadata.append(("x-goog-request-params", f"name={self.sale.event}"))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await call(request, metadata=metadata, timeout=10)
            except grpc.aio.AioRpcError as error:
                if error.code() not in PASSING or time.monotonic() > deadline:
                    raise Refused(f"{error.code().name} {reason_of(error)}") from error
                self.repeats += 1
                await asyncio.sleep(self.rng.uniform(0.1, 0.5))
            else:
                self.told[answer.name] = answer
                return answer


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Of its ErrorInfo, else its text."""
    status, info = rpc_status.from_call(error), ErrorInfo()
    if status and status.details and status.details[0].Unpack(info):
        return info.reason
    return error.details() or ""


async def buy(crowd: Crowd, rng: random.Random) -> str:
    """Hold, and then mostly confirm; some think better of it before or after. What became of it."""
    try:
        name = (await crowd.hold()).name
        mood = rng.random()
        if mood < 0.15:
            await crowd.cancel(name)
            return "cancelled"
        if mood < 0.2:
            return "left"
        await crowd.confirm(name)
        if mood < 0.3:
            await crowd.cancel(name)
            return "cancelled"
    except Refused as refusal:
        return str(refusal)
    return "confirmed"


async def until_all_is_sold(crowd: Crowd) -> None:
    """Those who come later take what others gave back and leave nothing; holds that were left are confirmed."""
    for name, booking in list(crowd.told.items()):
        if booking.state == HELD:
            await crowd.confirm(name)
    try:
        while True:
            await crowd.confirm((await crowd.hold()).name)
    except Refused as refusal:
        if str(refusal) != SOLD_OUT:
            raise


class Channels:
    """Several connections: one alone would hide what happens to the others of a real crowd."""

    def __init__(self, world: World, count: int = 4) -> None:
        address = world.stack.url().removeprefix("http://")
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(count)]

    async def __aenter__(self) -> list[BookingServiceStub]:
        return [BookingServiceStub(channel) for channel in self._channels]

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()


@contextmanager
def told_how_to_repeat(seed: int) -> Iterator[random.Random]:
    """Chance from one number, which a failure prints."""
    try:
        yield random.Random(seed)
    except BaseException:
        print(f"failed with seed {seed}")
        raise
