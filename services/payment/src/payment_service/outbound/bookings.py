"""The booking service, asked over gRPC with the caller's own token."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from payment_service.domain.ports import Owed
from payment_service.wire.bookings import owed_from_wire
from usher.booking.v1 import booking_pb2 as pb
from usher.booking.v1.booking_service_pb2 import GetBookingRequest


class BookingStub(Protocol):
    """What is used of the generated stub."""

    @property
    def GetBooking(self) -> Callable[[GetBookingRequest], Awaitable[pb.Booking]]:  # noqa: N802 named by the contract
        """One booking."""


class BookingClient:
    """payment_service.domain.ports.Bookings."""

    def __init__(self, stub: BookingStub) -> None:
        self._stub = stub

    async def owed(self, booking: str) -> Owed:
        """What is owed for a booking; PermissionDenied, Unavailable, DeadlineExceeded."""
        return owed_from_wire(await self._stub.GetBooking(GetBookingRequest(name=booking)))
