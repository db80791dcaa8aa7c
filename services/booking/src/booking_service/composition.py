"""Puts the booking service together."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from access import Ownership
from booking_service.domain.records import Record
from booking_service.domain.stock import Stock
from booking_service.handlers.read_bookings import owners_of
from booking_service.inbound import attendee_servicer, check_in_servicer
from booking_service.inbound.attendee_servicer import AttendeeParts, AttendeeServicer
from booking_service.inbound.change_servicer import BookingChangeServicer, ChangeParts
from booking_service.inbound.check_in_servicer import CheckInParts, CheckInServicer
from booking_service.inbound.consumers import event_subscription, payment_subscription
from booking_service.inbound.counting_worker import CountingWorker
from booking_service.inbound.resale_servicer import ResaleParts, ResaleServicer
from booking_service.inbound.seating_servicer import SeatingParts, SeatingServicer
from booking_service.inbound.servicer import BookingServicer, Parts
from booking_service.inbound.ticket_servicer import TicketParts, TicketServicer
from booking_service.inbound.voucher_servicer import VoucherParts, VoucherServicer
from booking_service.inbound.voucher_worker import LapseWorker
from booking_service.inbound.waiting_list_servicer import WaitingListParts, WaitingListServicer
from booking_service.inbound.waiting_list_worker import WaitingListWorker
from booking_service.inbound.waiting_room_servicer import RoomParts, WaitingRoomServicer
from booking_service.inbound.workers import (
    AnnouncingWorker,
    ClosingWorker,
    ExpiryWorker,
    ImportWorker,
    MeasuringWorker,
)
from booking_service.metrics import count_business
from booking_service.outbound import (
    announcements,
    check_ins,
    imports,
    repositories,
    resale_offers,
    vouchers,
    waiting_entries,
)
from booking_service.outbound.announcements import MongoAnnouncements, MongoNews
from booking_service.outbound.changes import StockChanges
from booking_service.outbound.check_in_changes import TallyChanges
from booking_service.outbound.desk import BatchDesk, expiry_cause
from booking_service.outbound.documents import answer_from_document
from booking_service.outbound.hold_figures import HoldFigures
from booking_service.outbound.imports import MongoImports
from booking_service.outbound.known_offers import KnownOffers
from booking_service.outbound.known_owners import KnownOwners
from booking_service.outbound.lane_metrics import PrometheusLaneMetrics
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.paperwork import Paperwork
from booking_service.outbound.place_keys import PlaceKeys
from booking_service.outbound.place_watchers import PlaceWatchers
from booking_service.outbound.repositories import MongoBookings, MongoSeats, MongoStocks
from booking_service.outbound.resale_offers import MongoResaleOffers
from booking_service.outbound.room_metrics import PrometheusRoomMetrics
from booking_service.outbound.ticket_keys import TicketKeys
from booking_service.outbound.vouchers import MongoVouchers
from booking_service.outbound.waiting_entries import MongoWaitingEntries
from booking_service.outbound.waiting_rooms import MongoWaitingRooms
from booking_service.settings import Settings
from chassis import Chassis, open_chassis
from domain_kit.repository import Cause
from grpc_runtime import Service, Worker
from mongo_store import Journal, Schema
from resource_api import PageTokens
from telemetry import Metrics
from ticket_documents import qr_codes
from usher.booking.v1.attendee_service_pb2_grpc import add_AttendeeServiceServicer_to_server
from usher.booking.v1.booking_change_service_pb2_grpc import add_BookingChangeServiceServicer_to_server
from usher.booking.v1.booking_service_pb2_grpc import add_BookingServiceServicer_to_server
from usher.booking.v1.check_in_service_pb2_grpc import add_CheckInServiceServicer_to_server
from usher.booking.v1.resale_service_pb2_grpc import add_ResaleServiceServicer_to_server
from usher.booking.v1.seating_service_pb2_grpc import add_SeatingServiceServicer_to_server
from usher.booking.v1.ticket_service_pb2_grpc import add_TicketServiceServicer_to_server
from usher.booking.v1.voucher_service_pb2_grpc import add_VoucherServiceServicer_to_server
from usher.booking.v1.waiting_list_service_pb2_grpc import add_WaitingListServiceServicer_to_server
from usher.booking.v1.waiting_room_service_pb2_grpc import add_WaitingRoomServiceServicer_to_server

SCHEMA = Schema.of(
    repositories.INDEXES,
    announcements.INDEXES,
    check_ins.INDEXES,
    imports.INDEXES,
    vouchers.INDEXES,
    waiting_entries.INDEXES,
    resale_offers.INDEXES,
)


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with open_chassis(settings, metrics, SCHEMA) as chassis:
        journal, clock = chassis.journal, chassis.journal.clock
        keys = TicketKeys(journal)
        await keys.open()
        bookings, stocks = MongoBookings(journal), MongoStocks(journal)
        known_vouchers, page_tokens = MongoVouchers(journal), PageTokens(settings.page_token_key)
        offers = KnownOffers(stocks)
        rooms, watchers = await _open_waiting_rooms(journal, metrics, offers, settings.waiting_room_streams)
        changes, lane_metrics = StockChanges(journal, clock), PrometheusLaneMetrics(metrics)
        tally_changes = TallyChanges(journal)

        def committed(stock: Stock) -> None:
            changes.committed(stock)
            offers.committed(stock)
            offering.committed(stock)

        def recorded(records: Collection[Record]) -> None:
            tally_changes.committed(records)
            known_owners.committed(records)

        rehearsal, *desks = (
            BatchDesk(journal, on_change=committed, on_records=recorded, metrics=lane_metrics)
            for _ in range(1 + settings.lanes)
        )
        lanes = Lanes(desks, bound=settings.lane_bound, metrics=lane_metrics)
        announcing = AnnouncingWorker(MongoAnnouncements(journal), stocks, MongoNews(journal, clock), clock)
        changes.listen(announcing.changed)
        expiry = ExpiryWorker(bookings, lanes, chassis.outbox, expiry_cause, clock)
        entries, resales = MongoWaitingEntries(journal), MongoResaleOffers(journal)
        offering = WaitingListWorker(entries, entries, stocks, lanes, chassis.outbox, clock)

        closing = ClosingWorker(bookings, stocks, lanes, chassis.outbox, clock)
        counting = CountingWorker(bookings, stocks, lanes, chassis.outbox)

        known_owners = KnownOwners(partial(owners_of, bookings, stocks, entries, resales))

        parts = Parts(
            desk=lanes,
            bookings=bookings,
            owners_of=known_owners.owners,
            stocks=stocks,
            vouchers=known_vouchers,
            rehearsal=rehearsal,
            offers=offers,
            changes=changes,
            issuer=keys,
            verifier=keys,
            images=qr_codes,
            page_tokens=page_tokens,
            hold_for=timedelta(seconds=settings.hold_seconds),
            watch_seconds=settings.watch_seconds,
            let_pass=rooms.let_pass,
            clock=clock,
        )
        change_parts = ChangeParts(
            desk=lanes, owners_of=known_owners.owners, issuer=keys, hold_for=parts.hold_for, let_pass=rooms.let_pass
        )  # fmt: skip
        paperwork = Paperwork(
            apple=settings.apple_signer(), google=settings.google_signer(), platform_uri=settings.token_issuer
        )
        waiting_list_parts = WaitingListParts(desk=lanes, entries=entries, page_tokens=page_tokens)
        voucher_parts = VoucherParts(desk=lanes, vouchers=known_vouchers, page_tokens=page_tokens, clock=clock)
        lapses = LapseWorker(known_vouchers, lanes, chassis.outbox, vouchers.lapse_cause, clock)
        check_in_parts = CheckInParts(
            desk=lanes,
            check_ins=check_ins.MongoCheckIns(journal),
            bookings=bookings,
            stocks=stocks,
            changes=tally_changes,
            verifier=keys,
            signer=keys,
            page_tokens=PageTokens(settings.page_token_key),
            watch_seconds=settings.watch_seconds,
            clock=clock,
        )

        async def answered(cause: Cause) -> Record | None:
            answer = await journal.answer_to(cause)
            return None if answer is None else answer_from_document(answer)

        attendee_parts = AttendeeParts(
            desk=lanes, bookings=bookings, stocks=stocks, offers=offers, issuer=keys, answered=answered, clock=clock,
            rehearsal=rehearsal,
        )  # fmt: skip
        finishing = ImportWorker(MongoImports(journal), lanes, keys, clock)

        def stop_streams() -> None:
            changes.close()
            tally_changes.close()
            watchers.close()

        try:
            yield Service(
                servicers=[
                    (add_BookingServiceServicer_to_server, BookingServicer(parts)),
                    (add_AttendeeServiceServicer_to_server, AttendeeServicer(attendee_parts)),
                    (add_BookingChangeServiceServicer_to_server, BookingChangeServicer(change_parts)),
                    (
                        add_TicketServiceServicer_to_server,
                        TicketServicer(
                            TicketParts(
                                bookings=bookings, stocks=stocks, documents=paperwork, keyring=keys, clock=clock
                            )
                        ),
                    ),
                    (
                        add_SeatingServiceServicer_to_server,
                        SeatingServicer(SeatingParts(stocks=stocks, seats=MongoSeats(journal), clock=clock)),
                    ),
                    (add_CheckInServiceServicer_to_server, CheckInServicer(check_in_parts)),
                    (add_WaitingRoomServiceServicer_to_server, WaitingRoomServicer(rooms)),
                    (add_WaitingListServiceServicer_to_server, WaitingListServicer(waiting_list_parts)),
                    (
                        add_ResaleServiceServicer_to_server,
                        ResaleServicer(
                            ResaleParts(
                                desk=lanes, owners_of=known_owners.owners, offers=resales, page_tokens=page_tokens
                            )
                        ),
                    ),
                    (add_VoucherServiceServicer_to_server, VoucherServicer(voucher_parts)),
                ],
                workers=[
                    *chassis.workers(event_subscription(lanes), payment_subscription(lanes, keys)),
                    Worker("expiry", expiry.run, expiry.stop),
                    Worker("waiting list", offering.run, offering.stop),
                    Worker("voucher-reservations", lapses.run, lapses.stop),
                    Worker("imports", finishing.run, finishing.stop),
                    Worker("closing", closing.run, closing.stop),
                    Worker("counting", counting.run, counting.stop),
                    _figures(chassis, metrics),
                    Worker("announcements", announcing.run, announcing.stop),
                    Worker("changes", changes.run),
                    Worker("check-in-changes", tally_changes.run),
                ],
                health=chassis.health,
                owner_of=partial(_owner_of, known_owners),
                key_cache=chassis.key_cache,
                stopping=stop_streams,
                most_items={**attendee_servicer.MOST_ITEMS, **check_in_servicer.MOST_ITEMS},
            )
        finally:
            stop_streams()
            paperwork.close()
            await lanes.close()


def _figures(chassis: Chassis, metrics: Metrics) -> Worker:
    """Counts what is committed from now on; the worker measures what only the store knows."""
    count_business(metrics)
    measuring = MeasuringWorker(HoldFigures(chassis.journal, metrics).measure)
    return Worker("hold-figures", measuring.run, measuring.stop)


async def _open_waiting_rooms(
    journal: Journal, metrics: Metrics, offers: KnownOffers, streams: int
) -> tuple[RoomParts, PlaceWatchers]:
    """What the rpcs of the waiting room work with, and what must be closed for their streams to end."""
    seals, counted, clock = PlaceKeys(journal), PrometheusRoomMetrics(metrics), journal.clock
    await seals.open()
    rooms = MongoWaitingRooms(journal, clock, counted)
    counted.ask(rooms.count)

    async def what_places_depend_on(event: str) -> object:
        offer = await offers.offer(event)
        if offer is None or not offer.terms.waiting_room.enabled:
            return None if offer is None else (offer.state, offer.terms.waiting_room)
        return offer.state, offer.terms.waiting_room, (await rooms.room(offer)).tuned

    async def answered(cause: Cause) -> bool:
        return await journal.answer_to(cause) is not None

    watchers = PlaceWatchers(what_places_depend_on, clock, limit=streams)
    parts = RoomParts(offers=offers, rooms=rooms, seals=seals, watchers=watchers, answered=answered, clock=clock)
    return parts, watchers


async def _owner_of(known: KnownOwners, name: str) -> Ownership | None:
    owners = await known.owners(name)
    return None if owners is None else Ownership(owners.buyer, owners.organizer)
