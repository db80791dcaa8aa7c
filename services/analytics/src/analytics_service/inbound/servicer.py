"""The rpc of the analytics service: parse, handle, encode."""

from analytics_service.domain.ports import Facts, Organizers, Sheets, Unsettled
from analytics_service.handlers.query_sales import query_sales
from analytics_service.wire.sales import query_of, report_message
from domain_kit.clock import Clock, utc_now
from usher.analytics.v1 import analytics_service_pb2 as pb
from usher.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceServicer


class AnalyticsServicer(AnalyticsServiceServicer):
    """usher.analytics.v1.AnalyticsService."""

    def __init__(
        self, facts: Facts, sheets: Sheets, organizers: Organizers, unsettled: Unsettled, clock: Clock = utc_now
    ) -> None:
        self._stores, self._now = (facts, sheets, organizers, unsettled), clock

    async def QuerySales(self, request: pb.QuerySalesRequest, context: object) -> pb.QuerySalesResponse:
        return report_message(await query_sales(*self._stores, query_of(request), now=self._now()))
