"""The rpcs over invoices: parse, handle, encode."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.api.httpbody_pb2 import HttpBody

from grpc_runtime import header_of, http_body
from localization import accepted_languages
from payment_service.domain.invoice_ports import InvoiceBook, InvoicePrinter
from payment_service.wire.invoices import invoice_to_wire
from resource_api import PageTokens, page_size_of
from usher.payment.v1 import invoice_pb2
from usher.payment.v1 import invoice_service_pb2 as pb
from usher.payment.v1.invoice_service_pb2_grpc import InvoiceServiceServicer


@dataclass(frozen=True, slots=True)
class InvoiceParts:
    """What the rpcs work with."""

    invoices: InvoiceBook
    printer: InvoicePrinter
    page_tokens: PageTokens


class InvoiceServicer(InvoiceServiceServicer):
    """usher.payment.v1.InvoiceService."""

    def __init__(self, parts: InvoiceParts) -> None:
        self._parts = parts

    async def GetInvoice(self, request: pb.GetInvoiceRequest, context: object) -> invoice_pb2.Invoice:
        return invoice_to_wire(await self._parts.invoices.get(request.name))

    async def ListInvoices(self, request: pb.ListInvoicesRequest, context: object) -> pb.ListInvoicesResponse:
        shown, token = await self._page(request, {"organizer": request.parent})
        return pb.ListInvoicesResponse(invoices=shown, next_page_token=token)

    async def ListUserInvoices(
        self, request: pb.ListUserInvoicesRequest, context: object
    ) -> pb.ListUserInvoicesResponse:
        shown, token = await self._page(request, {"buyer": request.parent})
        return pb.ListUserInvoicesResponse(invoices=shown, next_page_token=token)

    async def GetInvoicePdf(self, request: pb.GetInvoicePdfRequest, context: object) -> HttpBody:
        said, header = request.language_code, header_of(context, "accept-language")
        invoice = await self._parts.invoices.get(request.name)
        languages = [said] if said else accepted_languages(header)
        return http_body("application/pdf", await self._parts.printer.print(invoice, languages))

    async def _page(
        self, request: pb.ListInvoicesRequest | pb.ListUserInvoicesRequest, where: Mapping[str, str]
    ) -> tuple[list[invoice_pb2.Invoice], str]:
        tokens = self._parts.page_tokens
        page = await self._parts.invoices.list_page(where, tokens.cursor_of(request), page_size_of(request))
        return [invoice_to_wire(each) for each in page.items], tokens.token_for(request, page.following)
