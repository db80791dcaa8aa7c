"""Whether a caller acts for the organizer of a booking, or as its buyer."""

from collections.abc import Awaitable, Callable

from access import Ownership, allows
from access.decision import denied
from booking_service.domain.pricing.inputs import EVERYTHING
from booking_service.handlers.read_bookings import Owners
from domain_kit.refusals import NotFound
from grpc_runtime import principal_of
from usher.booking.v1.booking_service_pb2 import CancelBookingRequest

OwnersOf = Callable[[str], Awaitable[Owners | None]]


async def acts_for_organizer(owners_of: OwnersOf, context: object, name: str, permission: str) -> bool:
    """The caller has that permission in the organizer of the booking. NotFound."""
    owners = await owners_of(name)
    if owners is None:
        raise NotFound.named(name)
    return allows(principal_of(context), Ownership(organizer=owners.organizer), permission=permission)


async def refund_asked(owners_of: OwnersOf, request: CancelBookingRequest, context: object) -> int | None:
    """Basis points of what was paid that shall go back; None: what the terms say. PermissionDenied: a buyer's wish."""
    asked = request.refund_basis_points if request.HasField("refund_basis_points") else None
    if await acts_for_organizer(owners_of, context, request.name, "bookings.cancel"):
        return EVERYTHING if asked is None else asked
    if asked is not None:
        raise denied("bookings.cancel", request.name)
    return None
