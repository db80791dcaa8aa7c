"""Takes over what an event sells."""

from booking_service.domain.commands import ProjectOffer
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Desk
from domain_kit.repository import Cause


async def project_offer(desk: Desk, offer: Offer, *, cause: Cause) -> None:
    """Bookings decided from now on see it; an older one than is known is ignored."""
    await desk.submit(ProjectOffer(offer), cause)
