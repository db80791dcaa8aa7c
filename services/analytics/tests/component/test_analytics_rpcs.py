"""The analytics service called as clients call it, fed through a real broker, on real stores."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from google.protobuf.message import Message
from google.type.date_pb2 import Date

from access import Role
from analytics_service.composition import build
from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, Kind, Line
from analytics_service.domain.figures import Figures
from analytics_service.outbound.facts import MongoFacts
from analytics_service.outbound.sheets import ProjectedOrganizers
from analytics_service.settings import Settings
from domain_kit.backbone import OutboxEvent
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, PermissionDenied, Unauthenticated, Unavailable
from elastic_store import IndexMissing, open_elastic
from event_backbone import KafkaBroker
from event_backbone.records import encode_event
from mongo_store import open_database
from resource_api import money_from_wire, money_to_wire
from telemetry import Metrics
from testkit.calls import Calls, calls_to
from usher.analytics.v1 import analytics_service_pb2 as pb
from usher.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_events
from usher.payment.v1 import payment_pb2
from usher.payment.v1.domain_events_pb2 import RefundCompleted
from usher.user.v1.domain_events_pb2 import OrganizerCreated, OrganizerUpdated

NOWHERE = "127.0.0.1:1"
ORGANIZER, USER = f"organizers/{new_id()}", f"users/{new_id()}"
EVENT = f"events/{new_id()}"
# 23:30 on 6 November in Toronto, the night clocks go back; the refund comes 24 hours and 45 minutes later, on the 7th.
SOLD, REFUNDED = datetime(2021, 11, 7, 3, 30, tzinfo=UTC), datetime(2021, 11, 8, 4, 15, tzinfo=UTC)


def settings(mongodb: str, **change: str) -> Settings:
    fields = {
        "service": f"analytics_{new_id()[-8:]}",
        "kafka_brokers": NOWHERE,
        "elasticsearch_url": f"http://{NOWHERE}",
    }
    return Settings(**{"mongodb_uri": mongodb, "page_token_key": b"0" * 32, **fields, **change})  # type: ignore[arg-type]


@asynccontextmanager
async def running(chosen: Settings) -> AsyncIterator[Calls]:
    async with build(chosen, Metrics("analytics")) as service, calls_to(service) as calls:
        yield calls


async def ask(calls: Calls, role: Role = Role.VIEWER, **fields: object) -> pb.QuerySalesResponse:
    request = pb.QuerySalesRequest(**{"parent": ORGANIZER, **fields})  # type: ignore[arg-type]
    return await AnalyticsServiceStub(calls.channel).QuerySales(request, metadata=calls.bearer(USER, {ORGANIZER: role}))


async def wait_for(
    calls: Calls, right: Callable[[pb.QuerySalesResponse], bool], **fields: object
) -> pb.QuerySalesResponse:
    async with asyncio.timeout(30):
        while not right(answer := await ask(calls, **fields)):
            await asyncio.sleep(0.1)
    return answer


def booking() -> booking_pb2.Booking:
    made = booking_pb2.Booking(
        name=f"{EVENT}/bookings/{new_id()}", event=EVENT, organizer=ORGANIZER, payment=f"payments/{new_id()}"
    )
    for name, quantity, price in (("standard", 2, 1999), ("student", 1, 1000)):
        made.lines.add(
            ticket_type=f"{EVENT}/ticketTypes/{name}",
            quantity=quantity,
            unit_price=money_to_wire(Money(price, "CAD")),
            total=money_to_wire(Money(quantity * price, "CAD")),
        )
    made.confirm_time.FromDatetime(SOLD)
    return made


def refund_of(sale: booking_pb2.Booking, minor_units: int) -> RefundCompleted:
    payment = payment_pb2.Payment(name=sale.payment, booking=sale.name, organizer=ORGANIZER)
    refund = payment.refunds.add(
        id="r", amount=money_to_wire(Money(minor_units, "CAD")), state=payment_pb2.REFUND_STATE_COMPLETED
    )
    refund.complete_time.FromDatetime(REFUNDED)
    return RefundCompleted(payment=payment, refund=refund)


def organizer_told(kind: type[Message], zone: str) -> Message:
    message = kind()
    message.snapshot.organizer.name, message.snapshot.organizer.time_zone = ORGANIZER, zone  # type: ignore[attr-defined]
    return message


class Publisher:
    """Puts domain events on the topics of other services."""

    def __init__(self, brokers: str) -> None:
        self._broker = KafkaBroker(brokers)

    async def tell(self, *told: tuple[Message, str, int]) -> list[str]:
        topics = [f"usher.{message.DESCRIPTOR.full_name.split('.')[1]}.v1" for message, _, _ in told]
        events = [
            OutboxEvent(
                new_id(), message.DESCRIPTOR.full_name, subject, version, utc_now(),
                message.SerializeToString(), "", "", "row", 0,
            )
            for message, subject, version in told
        ]  # fmt: skip
        await self._broker.ensure_topics(dict.fromkeys(topics, 4))
        async with self._broker.writer() as writer:
            records = [encode_event(each, topic=topic, source="t") for each, topic in zip(events, topics, strict=True)]
            assert None not in await writer.send(records * 2)
        return [each.id for each in events]


async def test_from_domain_events_to_figures_and_on_to_another_time_zone(mongodb, engine) -> None:
    index, publisher = f"facts-{new_id()}", Publisher(engine.brokers)
    chosen = settings(
        mongodb, kafka_brokers=engine.brokers, elasticsearch_url=engine.elasticsearch, facts_index=index
    )  # fmt: skip
    sale = booking()
    async with running(chosen) as calls:
        refund = (refund_of(sale, 2499), sale.payment, 1)
        held = (booking_events.BookingHeld(booking=sale), sale.name, 1)
        confirmed = (booking_events.BookingConfirmed(booking=sale), sale.name, 2)
        ids = await publisher.tell(
            refund, held, confirmed, (organizer_told(OrganizerCreated, "America/Toronto"), ORGANIZER, 1)
        )
        # What is counted shows a moment before it is said that nothing is left to count.
        answer = await wait_for(
            calls,
            lambda each: (
                each.totals[:1] and each.totals[0].refunded.units == 24 and each.fresh_as_of.ToDatetime(UTC) == REFUNDED
            ),
            group_by=[1, 3],
        )
        assert [
            (row.day.day, row.ticket_type.rpartition("/")[2], row.gross.units, row.refunded.units)
            for row in answer.rows
        ] == [
            (6, "standard", 39, 0),
            (6, "student", 10, 0),
            (7, "standard", 0, 19),
            (7, "student", 0, 5),
        ]
        assert [row.bookings_confirmed for row in answer.rows] == [1, 1, 0, 0]
        (total,) = answer.totals
        assert (total.bookings_confirmed, total.tickets_sold, total.currency_code) == (1, 3, "CAD")
        assert (total.gross.units, total.gross.nanos) == (49, 980_000_000)
        assert (total.net.units, total.net.nanos) == (24, 990_000_000)
        assert answer.time_zone == "America/Toronto"
        await publisher.tell((organizer_told(OrganizerUpdated, "Europe/Berlin"), ORGANIZER, 2))
        moved = await wait_for(calls, lambda each: each.rows[0].day.day == 7 and len(each.rows) == 2, group_by=[1])
        assert [(row.day.day, row.gross.units, row.refunded.units) for row in moved.rows] == [(7, 49, 0), (8, 0, 24)]
        assert moved.time_zone == "Europe/Berlin"
        await shown(engine, index, ids)


def changed(sale: booking_pb2.Booking, extra: str) -> booking_events.BookingChanged:
    """One of the standard tickets is exchanged for two of those for students, which cost one cent more."""
    after = booking_pb2.Booking()
    after.CopyFrom(sale)
    after.lines[0].quantity, after.lines[1].quantity = 1, 3
    after.extra_payments.append(extra)
    message = booking_events.BookingChanged(booking=after)
    price, more = money_to_wire(Money(1999, "CAD")), money_to_wire(Money(2000, "CAD"))
    message.removed_lines.add(ticket_type=sale.lines[0].ticket_type, quantity=1, total=price)
    message.added_lines.add(ticket_type=sale.lines[1].ticket_type, quantity=2, total=more)
    return message


async def test_a_changed_booking_in_any_order_and_one_that_nobody_came_with(mongodb, engine) -> None:
    publisher, sale, extra = Publisher(engine.brokers), booking(), f"payments/{new_id()}"
    chosen = settings(mongodb, kafka_brokers=engine.brokers)
    change = changed(sale, extra)
    paid_back = refund_of(sale, 1)
    paid_back.payment.name = extra
    async with running(chosen) as calls:
        await publisher.tell(
            (paid_back, extra, 1),
            (booking_events.BookingConfirmed(booking=sale), sale.name, 1),
            (change, sale.name, 2),
            (booking_events.BookingNoShow(booking=change.booking), sale.name, 3),
            (organizer_told(OrganizerCreated, "UTC"), ORGANIZER, 1),
        )
        answer = await wait_for(
            calls, lambda each: each.totals[:1] and each.totals[0].refunded.nanos and each.totals[0].bookings_no_show,
            group_by=[3],
        )  # fmt: skip
        assert [
            (row.ticket_type.rpartition("/")[2], row.tickets_sold, cents(row.gross), cents(row.refunded))
            for row in answer.rows
        ] == [("standard", 1, 1999, 0), ("student", 3, 3000, 1)]
        assert [(row.bookings_confirmed, row.bookings_no_show) for row in answer.rows] == [(1, 1), (1, 1)]
        (total,) = answer.totals
        assert (cents(total.net), total.tickets_sold) == (4998, 4)
        assert (total.bookings_confirmed, total.bookings_no_show, total.bookings_completed) == (1, 1, 0)


def cents(money: object) -> int:
    return money_from_wire(money).minor_units  # type: ignore[arg-type]


async def shown(engine, index: str, ids: list[str]) -> None:
    """Facts stand in Elasticsearch by the ids of their domain events, on the day they have moved to."""
    from analytics_service.outbound.fact_index import definition

    async with open_elastic(engine.elasticsearch) as elastic, asyncio.timeout(20):
        stored = elastic.index(definition(index))
        while True:
            with suppress(IndexMissing):  # it is made in the background
                refund, confirmed = await stored.get(ids[0]), await stored.get(f"{ids[2]}-2")
                if refund and confirmed and (refund["day"], confirmed["day"]) == ("2021-11-08", "2021-11-07"):
                    return
            await asyncio.sleep(0.1)


async def test_what_was_filed_before_a_crash_is_counted_by_the_next_process_even_without_elasticsearch(mongodb) -> None:
    chosen = settings(mongodb)
    zone = OrganizerZone(ORGANIZER, 1, "UTC")
    line = Line(f"{EVENT}/ticketTypes/t", "JPY", Figures(1, 0, 1, 0, tickets_sold=1, gross=500))
    fact = Fact(new_id(), Kind.BOOKING_CONFIRMED, ORGANIZER, EVENT, "b", "p", SOLD, (line,))
    async with build(chosen, Metrics("analytics")) as service:
        elasticsearch = next(each for each in service.health if each.name == "elasticsearch")
        assert elasticsearch.required
        with pytest.raises(Unavailable):
            await elasticsearch.check()
    async with open_database(mongodb, chosen.database) as database:
        await ProjectedOrganizers(database).follow(zone)
        await MongoFacts(database).file(fact, zone)
    async with running(chosen) as calls:
        answer = await wait_for(calls, lambda each: len(each.rows) == 1)
        assert (answer.rows[0].gross.units, answer.rows[0].currency_code) == (500, "JPY")


async def test_those_who_may_read_figures_do_and_others_do_not(mongodb) -> None:
    async with running(settings(mongodb)) as calls:
        for role in (Role.OWNER, Role.MANAGER, Role.FINANCE, Role.VIEWER):
            answer = await ask(calls, role)
            assert (len(answer.rows), answer.time_zone, answer.HasField("fresh_as_of")) == (0, "", False)
        with pytest.raises(PermissionDenied):
            await ask(calls, Role.CHECK_IN)
        with pytest.raises(PermissionDenied):
            await ask(calls, parent=f"organizers/{new_id()}")
        with pytest.raises(Unauthenticated):
            await AnalyticsServiceStub(calls.channel).QuerySales(pb.QuerySalesRequest(parent=ORGANIZER))


BAD_INPUT: list[tuple[dict[str, object], str]] = [
    ({"parent": "organizers/short"}, "parent"),
    ({"start_date": Date(year=2027, month=2, day=30)}, "start_date"),
    ({"end_date": Date(month=2, day=1)}, "end_date"),
    ({"start_date": Date(year=2027, month=2, day=2), "end_date": Date(year=2027, month=2, day=1)}, "end_date"),
    ({"event": "events/short"}, "event"),
    ({"group_by": [0]}, "group_by[0]"),
    ({"group_by": [1, 1]}, "group_by"),
    ({"group_by": [1, 2, 3, 1]}, "group_by"),
    ({"group_by": [9]}, "group_by[0]"),
]


async def test_bad_input_is_refused_with_its_field(mongodb) -> None:
    async with running(settings(mongodb)) as calls:
        stub = AnalyticsServiceStub(calls.channel)
        for fields, field in BAD_INPUT:
            request = pb.QuerySalesRequest(**{"parent": ORGANIZER, **fields})  # type: ignore[arg-type]
            with pytest.raises(InvalidArgument) as caught:
                await stub.QuerySales(request, metadata=calls.bearer(USER, {request.parent: Role.VIEWER}))
            assert field in [violation.field for violation in caught.value.violations]
