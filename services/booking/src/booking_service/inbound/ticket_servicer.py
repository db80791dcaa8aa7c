"""The rpcs that give tickets as documents: parse, handle, encode."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from google.api.httpbody_pb2 import HttpBody

from booking_service.domain.ports import BookingReader, StockReader, TicketDocuments, TicketKeyring
from booking_service.domain.ticket_papers import Wallet
from booking_service.handlers.make_wallet_pass import make_wallet_pass
from booking_service.handlers.print_tickets import print_tickets
from booking_service.handlers.write_calendar import write_calendar
from booking_service.inbound.codes import serves
from domain_kit.clock import Clock, utc_now
from grpc_runtime import header_of, http_body
from localization import accepted_languages
from usher.booking.v1 import ticket_service_pb2 as pb
from usher.booking.v1.ticket_service_pb2_grpc import TicketServiceServicer

PASS_TYPES = {Wallet.APPLE: "application/vnd.apple.pkpass", Wallet.GOOGLE: "application/jwt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketParts:
    """What the rpcs work with."""

    bookings: BookingReader
    stocks: StockReader
    documents: TicketDocuments
    keyring: TicketKeyring
    clock: Clock = utc_now


class TicketServicer(TicketServiceServicer):
    """usher.booking.v1.TicketService."""

    def __init__(self, parts: TicketParts) -> None:
        self._parts = parts

    async def DownloadTickets(self, request: pb.DownloadTicketsRequest, context: object) -> HttpBody:
        parts, languages = self._parts, _languages(request.language_code, context)
        return http_body("application/pdf", await print_tickets(
            parts.bookings, parts.stocks, parts.documents, name=request.name, per_page=request.tickets_per_page,
            languages=languages, serves=partial(serves, context),
        ))  # fmt: skip

    async def DownloadTicketCalendar(self, request: pb.DownloadTicketCalendarRequest, context: object) -> HttpBody:
        parts = self._parts
        called_off, calendar = await write_calendar(
            parts.bookings,
            parts.stocks,
            parts.documents,
            name=request.name,
            now=parts.clock(),
            serves=partial(serves, context, permission="bookings.read"),
        )
        method = "CANCEL" if called_off else "PUBLISH"
        return http_body(f"text/calendar; charset=utf-8; method={method}", calendar)

    async def GetWalletPass(self, request: pb.GetWalletPassRequest, context: object) -> HttpBody:
        parts, languages = self._parts, _languages(request.language_code, context)
        wallet = Wallet.GOOGLE if request.format == pb.GetWalletPassRequest.FORMAT_GOOGLE else Wallet.APPLE
        return http_body(PASS_TYPES[wallet], await make_wallet_pass(
            parts.bookings, parts.stocks, parts.documents, name=request.name, wallet=wallet, languages=languages,
            now=parts.clock(), serves=partial(serves, context),
        ))  # fmt: skip

    async def ListTicketKeys(self, request: pb.ListTicketKeysRequest, context: object) -> pb.ListTicketKeysResponse:
        keys = await self._parts.keyring.public_keys()
        return pb.ListTicketKeysResponse(keys=[_key_to_wire(number, key) for number, key in keys.items()])


def _languages(language_code: str, context: object) -> Sequence[str]:
    return [language_code] if language_code else accepted_languages(header_of(context, "accept-language"))


def _key_to_wire(number: int, key: bytes) -> pb.TicketKey:
    x = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    return pb.TicketKey(kty="OKP", crv="Ed25519", kid=str(number), x=x, use="sig", alg="EdDSA")
