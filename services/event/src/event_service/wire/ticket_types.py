"""usher.event.v1.TicketType ↔ domain."""

from event_service.domain.ticket_type import BundleItem, PricePhase, TicketKind, TicketType
from event_service.wire.names import id_of, ids_of, names_of
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.event.v1 import ticket_type_pb2 as pb

KINDS = {kind: pb.TicketTypeKind.Value(f"TICKET_TYPE_KIND_{kind.name}") for kind in TicketKind}
KINDS_FROM_WIRE = {number: kind for kind, number in KINDS.items()}


def ticket_type_to_wire(event: str, ticket_type: TicketType) -> pb.TicketType:
    """The message of a ticket type of `event`."""
    price = ticket_type.price
    return pb.TicketType(
        name=f"{event}/ticketTypes/{ticket_type.id}",
        display_name=ticket_type.display_name,
        description=ticket_type.description,
        price=None if price is None else money_to_wire(price),
        capacity_pools=names_of(event, "capacityPools", ticket_type.pools),
        sale_start_time=time_to_wire(ticket_type.sale_start_time),
        sale_end_time=time_to_wire(ticket_type.sale_end_time),
        min_per_booking=ticket_type.min_per_booking,
        max_per_booking=ticket_type.max_per_booking,
        etag=etag_of(ticket_type.revision),
        price_phases=[_phase_to_wire(each) for each in ticket_type.price_phases],
        hidden=ticket_type.hidden,
        max_per_person=ticket_type.max_per_person,
        approval_required=ticket_type.approval_required,
        kind=KINDS[ticket_type.kind],
        add_on_to=names_of(event, "ticketTypes", ticket_type.add_on_to),
        bundle_items=[
            pb.BundleItem(ticket_type=f"{event}/ticketTypes/{each.ticket_type}", quantity=each.quantity)
            for each in ticket_type.bundle_items
        ],
        tax_class=ticket_type.tax_class,
        sections=ticket_type.sections,
    )


def ticket_type_from_wire(
    event: str, id: str, message: pb.TicketType, *, pools: tuple[str, ...] | None = None, field: str = "ticket_type"
) -> TicketType:
    """What a message says of ticket type `id`.

    pools: ids, where the message names none. InvalidArgument of money and times.
    """
    return TicketType(
        id=id,
        display_name=message.display_name,
        description=message.description,
        price=money_from_wire(message.price, field=f"{field}.price") if message.HasField("price") else None,
        pools=ids_of(event, message.capacity_pools) if pools is None else pools,
        sale_start_time=time_from_wire(message.sale_start_time, field=f"{field}.sale_start_time"),
        sale_end_time=time_from_wire(message.sale_end_time, field=f"{field}.sale_end_time"),
        min_per_booking=message.min_per_booking,
        max_per_booking=message.max_per_booking,
        price_phases=tuple(
            _phase_from_wire(each, f"{field}.price_phases[{index}]") for index, each in enumerate(message.price_phases)
        ),
        hidden=message.hidden,
        max_per_person=message.max_per_person,
        approval_required=message.approval_required,
        kind=KINDS_FROM_WIRE.get(message.kind, TicketKind.ADMISSION),
        add_on_to=ids_of(event, message.add_on_to),
        bundle_items=tuple(BundleItem(id_of(event, each.ticket_type), each.quantity) for each in message.bundle_items),
        tax_class=message.tax_class,
        sections=tuple(message.sections),
    )


def _phase_to_wire(phase: PricePhase) -> pb.PricePhase:
    return pb.PricePhase(
        display_name=phase.display_name,
        price=money_to_wire(phase.price),
        end_time=time_to_wire(phase.end_time),
        places=phase.places,
    )


def _phase_from_wire(message: pb.PricePhase, field: str) -> PricePhase:
    return PricePhase(
        price=money_from_wire(message.price, field=f"{field}.price"),
        display_name=message.display_name,
        end_time=time_from_wire(message.end_time, field=f"{field}.end_time"),
        places=message.places,
    )
