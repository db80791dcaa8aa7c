"""The rpcs that show seats: parse, handle, encode."""

from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.ports import SeatReader, StockReader
from booking_service.domain.seat_map import SeatMap, SectionMap
from booking_service.handlers.read_seat_map import read_seat_map
from domain_kit.clock import Clock, utc_now
from resource_api import etag_of, time_to_wire
from usher.booking.v1 import seating_service_pb2 as pb
from usher.booking.v1.seating_service_pb2_grpc import SeatingServiceServicer


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatingParts:
    """What the rpcs work with."""

    stocks: StockReader
    seats: SeatReader
    clock: Clock = utc_now


class SeatingServicer(SeatingServiceServicer):
    """usher.booking.v1.SeatingService."""

    def __init__(self, parts: SeatingParts) -> None:
        self._parts = parts

    async def GetSeatMap(self, request: pb.GetSeatMapRequest, context: object) -> pb.SeatMap:
        parts, event = self._parts, request.name.removesuffix("/seatMap")
        seat_map = await read_seat_map(
            parts.stocks, parts.seats, event=event, date=request.date, known_version=_version_of(request.if_none_match)
        )
        return seat_map_to_wire(seat_map, parts.clock())


def seat_map_to_wire(seat_map: SeatMap, now: datetime) -> pb.SeatMap:
    """The resource as of `now`."""
    return pb.SeatMap(
        name=seat_map.name,
        date=seat_map.date,
        sections=[_section_to_wire(each) for each in seat_map.sections or ()],
        update_time=time_to_wire(now),
        etag=etag_of(seat_map.version),
        not_modified=seat_map.sections is None,
    )


def _section_to_wire(section: SectionMap) -> pb.SectionSeats:
    return pb.SectionSeats(
        id=section.section.id,
        display_name=section.section.display_name,
        ticket_types=section.ticket_types,
        rows=[
            pb.RowSeats(
                label=row.label,
                seats=row.seats,
                taken=[at for at, free in enumerate(state.free) if not free],
                accessible=[at for at, accessible in enumerate(state.accessible) if accessible],
            )
            for row, state in section.rows
        ],
        free_count=section.free_count,
    )


def _version_of(etag: str) -> int | None:
    """None for what is no etag of a map: then it is sent anew."""
    digits = etag.strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() else None
