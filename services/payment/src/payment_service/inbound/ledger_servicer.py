"""The rpcs over the ledger: parse, handle, encode."""

from dataclasses import dataclass

from domain_kit.clock import Clock, utc_now
from domain_kit.ids import new_id
from grpc_runtime import cause_of, principal_of
from payment_service.domain.ledger_ports import Ledger, Payouts
from payment_service.domain.terms import TermsBook
from payment_service.handlers.create_payout import create_payout, standing
from payment_service.wire.ledger import balance_to_wire, entry_to_wire, payout_to_wire
from resource_api import PageTokens, page_size_of
from usher.payment.v1 import ledger_pb2
from usher.payment.v1 import ledger_service_pb2 as pb
from usher.payment.v1.ledger_service_pb2_grpc import LedgerServiceServicer


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """What the rpcs work with."""

    ledger: Ledger
    payouts: Payouts
    terms: TermsBook
    page_tokens: PageTokens
    clock: Clock = utc_now


class LedgerServicer(LedgerServiceServicer):
    """usher.payment.v1.LedgerService."""

    def __init__(self, parts: LedgerParts) -> None:
        self._parts = parts

    async def ListLedgerEntries(
        self, request: pb.ListLedgerEntriesRequest, context: object
    ) -> pb.ListLedgerEntriesResponse:
        on, (before,) = self._parts, self._parts.page_tokens.cursor_of(request) or (0,)
        found, following = await on.ledger.page(request.parent, before, page_size_of(request))
        token = on.page_tokens.token_for(request, (following,) if following else None)
        return pb.ListLedgerEntriesResponse(ledger_entries=map(entry_to_wire, found), next_page_token=token)

    async def GetBalances(self, request: pb.GetBalancesRequest, context: object) -> pb.GetBalancesResponse:
        on, agreed = self._parts, self._parts.terms.of(request.parent)
        owed = await standing(on.ledger, agreed, request.parent, on.clock())
        return pb.GetBalancesResponse(balances=map(balance_to_wire, owed))

    async def CreatePayout(self, request: pb.CreatePayoutRequest, context: object) -> ledger_pb2.Payout:
        on, cause, requester = self._parts, cause_of(request, context), principal_of(context).user
        return payout_to_wire(await create_payout(
            on.ledger, on.payouts, on.terms, request.parent, new_id(), requester, cause=cause, clock=on.clock
        ))  # fmt: skip

    async def GetPayout(self, request: pb.GetPayoutRequest, context: object) -> ledger_pb2.Payout:
        return payout_to_wire(await self._parts.payouts.get(request.name))

    async def ListPayouts(self, request: pb.ListPayoutsRequest, context: object) -> pb.ListPayoutsResponse:
        tokens = self._parts.page_tokens
        page = await self._parts.payouts.list_page(request.parent, tokens.cursor_of(request), page_size_of(request))
        shown = [payout_to_wire(each) for each in page.items]
        return pb.ListPayoutsResponse(payouts=shown, next_page_token=tokens.token_for(request, page.following))
