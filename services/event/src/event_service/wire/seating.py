"""usher.event.v1.SeatingPlan ↔ domain."""

from event_service.domain.seating import SeatingPlan, SeatRow, Section
from resource_api import etag_of
from usher.event.v1 import seating_plan_pb2 as pb


def seating_plan_to_wire(event: str, plan: SeatingPlan) -> pb.SeatingPlan:
    """The message of the plan of `event`."""
    return pb.SeatingPlan(
        name=f"{event}/seatingPlan",
        sections=[
            pb.Section(
                id=section.id,
                display_name=section.display_name,
                rows=[
                    pb.SeatRow(label=row.label, seats=row.seats, accessible_seats=row.accessible_seats)
                    for row in section.rows
                ],
            )
            for section in plan.sections
        ],
        etag=etag_of(plan.revision),
    )


def seating_plan_from_wire(message: pb.SeatingPlan) -> SeatingPlan:
    """What a message says of the seats."""
    return SeatingPlan(
        tuple(
            Section(
                section.id,
                section.display_name,
                tuple(SeatRow(row.label, tuple(row.seats), tuple(row.accessible_seats)) for row in section.rows),
            )
            for section in message.sections
        )
    )
