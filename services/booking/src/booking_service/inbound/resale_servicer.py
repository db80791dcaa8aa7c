"""The rpcs of resale: parse, handle, encode."""

from collections.abc import Mapping
from dataclasses import dataclass

from booking_service.domain.ports import Condition, Desk
from booking_service.domain.resale_ports import ResaleReader
from booking_service.handlers.resell_tickets import offer_for_resale, withdraw_resale_offer
from booking_service.inbound.organizers import OwnersOf, acts_for_organizer
from booking_service.resale_wire import RESALE_STATE_PREFIX, resale_offer_to_wire
from grpc_runtime import cause_of
from resource_api import Choice, FilterFields, PageTokens, Text, page_size_of
from usher.booking.v1 import resale_offer_pb2 as offers_pb
from usher.booking.v1 import resale_service_pb2 as pb
from usher.booking.v1.resale_service_pb2_grpc import ResaleServiceServicer

_STATES = [value.name for value in offers_pb.ResaleOfferState.DESCRIPTOR.values if value.number]
_FILTER = FilterFields(
    {"state": Choice(_STATES), "ticket_type": Text(), "date": Text(), "seller": Text(), "booking": Text()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResaleParts:
    """What the rpcs work with."""

    desk: Desk
    owners_of: OwnersOf
    offers: ResaleReader
    page_tokens: PageTokens


class ResaleServicer(ResaleServiceServicer):
    """usher.booking.v1.ResaleService."""

    def __init__(self, parts: ResaleParts) -> None:
        self._parts = parts

    async def OfferTicketsForResale(
        self, request: pb.OfferTicketsForResaleRequest, context: object
    ) -> pb.OfferTicketsForResaleResponse:
        parts, cause = self._parts, cause_of(request, context)
        manages = await acts_for_organizer(parts.owners_of, context, request.name, "bookings.manage")
        offers = await offer_for_resale(
            parts.desk, parts.offers, booking=request.name, tickets=request.tickets, by_terms=not manages,
            etag=request.etag, cause=cause,
        )  # fmt: skip
        return pb.OfferTicketsForResaleResponse(resale_offers=[resale_offer_to_wire(each) for each in offers])

    async def WithdrawResaleOffer(
        self, request: pb.WithdrawResaleOfferRequest, context: object
    ) -> offers_pb.ResaleOffer:
        desk, cause = self._parts.desk, cause_of(request, context)
        return resale_offer_to_wire(
            await withdraw_resale_offer(desk, name=request.name, etag=request.etag, cause=cause)
        )  # fmt: skip

    async def GetResaleOffer(self, request: pb.GetResaleOfferRequest, context: object) -> offers_pb.ResaleOffer:
        return resale_offer_to_wire(await self._parts.offers.get(request.name))

    async def ListResaleOffers(
        self, request: pb.ListResaleOffersRequest, context: object
    ) -> pb.ListResaleOffersResponse:
        tokens, limit, wanted = self._parts.page_tokens, page_size_of(request), conditions_of(request.filter)
        after = tokens.cursor_of(request)
        page = await self._parts.offers.of_event(request.parent, wanted, after=after, limit=limit)
        found, token = [resale_offer_to_wire(each) for each in page.items], tokens.token_for(request, page.following)
        return pb.ListResaleOffersResponse(resale_offers=found, next_page_token=token)

    async def ListUserResaleOffers(
        self, request: pb.ListUserResaleOffersRequest, context: object
    ) -> pb.ListUserResaleOffersResponse:
        tokens, limit = self._parts.page_tokens, page_size_of(request)
        page = await self._parts.offers.of_user(request.parent, after=tokens.cursor_of(request), limit=limit)
        found, token = [resale_offer_to_wire(each) for each in page.items], tokens.token_for(request, page.following)
        return pb.ListUserResaleOffersResponse(resale_offers=found, next_page_token=token)


def conditions_of(text: str) -> list[Condition]:
    """InvalidArgument FILTER_INVALID."""
    prefixes: Mapping[str, str] = {"state": RESALE_STATE_PREFIX}
    return [
        Condition(each.field, str(each.value).removeprefix(prefixes.get(each.field, "")), each.operator == "=")
        for each in _FILTER.parse(text)
    ]
