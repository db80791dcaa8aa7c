"""usher.event.v1.Discount ↔ domain."""

from event_service.domain.discount import Discount
from event_service.wire.names import ids_of, names_of
from resource_api import etag_of, time_from_wire, time_to_wire
from usher.event.v1 import discount_pb2 as pb


def discount_to_wire(event: str, discount: Discount) -> pb.Discount:
    """The message of a discount of `event`."""
    return pb.Discount(
        name=f"{event}/discounts/{discount.id}",
        display_name=discount.display_name,
        condition_ticket_types=names_of(event, "ticketTypes", discount.condition_ticket_types),
        condition_quantity=discount.condition_quantity,
        benefit_ticket_types=names_of(event, "ticketTypes", discount.benefit_ticket_types),
        benefit_quantity=discount.benefit_quantity,
        percent_off_basis_points=discount.percent_off_basis_points,
        start_time=time_to_wire(discount.start_time),
        end_time=time_to_wire(discount.end_time),
        etag=etag_of(discount.revision),
    )


def discount_from_wire(event: str, id: str, message: pb.Discount) -> Discount:
    """What a message says of discount `id`; InvalidArgument TIME_OUT_OF_RANGE."""
    return Discount(
        id=id,
        display_name=message.display_name,
        condition_quantity=message.condition_quantity,
        benefit_quantity=message.benefit_quantity,
        percent_off_basis_points=message.percent_off_basis_points,
        condition_ticket_types=ids_of(event, message.condition_ticket_types),
        benefit_ticket_types=ids_of(event, message.benefit_ticket_types),
        start_time=time_from_wire(message.start_time, field="discount.start_time"),
        end_time=time_from_wire(message.end_time, field="discount.end_time"),
    )
