"""Books what imports left when their process ended."""

from booking_service.domain.commands import TicketIssuer
from booking_service.domain.ports import Desk, ImportReader
from booking_service.handlers.import_attendees import book_chunk
from domain_kit.clock import Clock

PAGE = 20


async def finish_imports(
    imports: ImportReader, desk: Desk, issuer: TicketIssuer, clock: Clock, page: int = PAGE
) -> int:
    """How many chunks of one page were booked. Call again while a full page came."""
    waiting = await imports.unfinished(clock(), page)
    for chunk, actor in waiting:
        await book_chunk(desk, issuer, chunk, actor=actor)
    return len(waiting)
