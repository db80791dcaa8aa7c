"""A resale offer as a protobuf message, for answers and for domain events alike."""

from booking_service.domain.resale_offer import ResaleOffer
from resource_api import etag_of, money_to_wire, time_to_wire
from usher.booking.v1 import resale_offer_pb2 as pb

RESALE_STATE_PREFIX = "RESALE_OFFER_STATE_"


def resale_offer_to_wire(offer: ResaleOffer) -> pb.ResaleOffer:
    """The resource, etag included. Who bought it is nothing for its seller to know."""
    return pb.ResaleOffer(
        name=offer.name,
        event=offer.event,
        organizer=offer.organizer,
        seller=offer.seller,
        booking=offer.booking,
        ticket=offer.ticket,
        ticket_type=offer.line.ticket_type,
        date=offer.line.date,
        seat="".join(offer.line.seats[:1]),
        price=money_to_wire(offer.price),
        state=pb.ResaleOfferState.Value(f"{RESALE_STATE_PREFIX}{offer.state.name}"),
        reserve_expire_time=time_to_wire(offer.reserved_until),
        lapse_reason=offer.lapse_reason,
        create_time=time_to_wire(offer.create_time),
        update_time=time_to_wire(offer.update_time),
        end_time=time_to_wire(offer.end_time),
        etag=etag_of(offer.version),
    )
