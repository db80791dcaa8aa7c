"""Books what a file says, all rows or none."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from booking_service.domain.attendee_import import AttendeeImport, ImportChunk, ImportRow, RowProblem, chunk_name
from booking_service.domain.commands import BeginImport, BookChunk, TicketIssuer
from booking_service.domain.import_assembly import Assembly
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Desk, StockReader
from booking_service.domain.records import Record
from booking_service.domain.voucher_ports import Rehearsal
from booking_service.handlers.asking import ask
from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause

CHECKED_AT_ONCE = 100  # some hundredths of a second; then others get their turn
ReadRow = ImportRow | list[RowProblem]
Read = Callable[[Offer], Sequence[Callable[[], ReadRow]]]  # each row of the file is read when it is called


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. imported: tickets."""

    total: int
    checked: int
    imported: int = 0
    problems: Sequence[RowProblem] = ()
    done: bool = False
    bookings: Sequence[str] = ()


async def import_attendees(
    desk: Desk,
    stocks: StockReader,
    issuer: TicketIssuer,
    answered: Callable[[Cause], Awaitable[Record | None]],
    clock: Clock,
    rehearsal: Rehearsal,
    *,
    event: str,
    read: Read,
    reason: str,
    validate_only: bool,
    cause: Cause,
) -> AsyncGenerator[Progress, None]:
    """Progress until it is done. A repeat of the cause goes on where the first call stopped.

    NotFound; FailedPrecondition as `BeginImport` and `Assembly`. Once places are taken nothing can be refused any more;
    what this does not come to book, `finish_imports` does.
    """
    stock = await stocks.stock(event)
    rows = read(stock.known_offer())
    total, began = len(rows), await answered(cause)
    if not isinstance(began, AttendeeImport):
        assembly = Assembly(stock.known_offer(), lambda: f"{event}/bookings/{new_id()}", clock())
        problems: list[RowProblem] = []
        for checked in _checks(rows, assembly, problems):
            yield Progress(total, checked)
            await asyncio.sleep(0)
        if problems:
            yield Progress(total, total, problems=problems, done=True)
            return
        templates, orders = tuple(assembly.templates), assembly.orders()
        begin = BeginImport(event, f"{event}/imports/{new_id()}", cause.actor, reason, templates, orders)
        try:
            if validate_only:
                await rehearsal.rehearse(begin)
                yield Progress(total, total, done=True)
                return
            began = await ask(desk, begin, cause, AttendeeImport)
        except FailedPrecondition as refusal:  # over HTTP a status that comes after answers is heard by nobody
            yield Progress(total, total, problems=[RowProblem(0, "", refusal.reason, refusal.message)])
            raise
    bookings: list[str] = []
    imported = 0
    for number in range(began.chunks):
        chunk = await book_chunk(desk, issuer, chunk_name(began.name, number), actor=began.actor)
        bookings += chunk.bookings
        imported += chunk.tickets
        yield Progress(total, total, imported)
    yield Progress(total, total, imported, done=True, bookings=bookings)


async def book_chunk(desk: Desk, issuer: TicketIssuer, chunk: str, *, actor: str) -> ImportChunk:
    """The chunk, booked by whoever was first."""
    crash_point("booking.import.before_chunk")
    event = "/".join(chunk.split("/", 2)[:2])
    return await ask(desk, BookChunk(event, chunk, issuer), Cause(f"booking.import|{chunk}", actor=actor), ImportChunk)


def _checks(rows: Sequence[Callable[[], ReadRow]], assembly: Assembly, problems: list[RowProblem]) -> Iterator[int]:
    """Rows checked so far, told from time to time; finds problems."""
    for number, read in enumerate(rows, 1):
        row = read()
        problems += row if isinstance(row, list) else assembly.add(row)
        if number % CHECKED_AT_ONCE == 0 or number == len(rows):
            yield number
