"""Check-in and check-out over rpc: lists, scans, scan logs, downloads and the stream."""

import asyncio
import base64
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.field_mask_pb2 import FieldMask

from access import Role
from booking_service.composition import build
from booking_service.domain.offer import OfferState
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mongo_store import Journal, open_database
from resource_api import time_to_wire
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2, booking_service_pb2, check_in_pb2, ticket_service_pb2
from usher.booking.v1 import check_in_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.check_in_service_pb2_grpc import CheckInServiceStub
from usher.booking.v1.ticket_service_pb2_grpc import TicketServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, OLGA, GUS = (f"users/{new_id()}" for _ in range(3))
EXIT = check_in_pb2.SCAN_DIRECTION_EXIT
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@asynccontextmanager
async def running(uri, database):
    settings = OwnDatabase(
        mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=database
    )
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
    ):
        yield SimpleNamespace(
            stub=CheckInServiceStub(calls.channel), bookings=BookingServiceStub(calls.channel),
            tickets=TicketServiceStub(calls.channel), calls=calls, ada=calls.bearer(ADA),
            olga=calls.bearer(OLGA, {ORGANIZER: Role.MANAGER}), gus=calls.bearer(GUS, {ORGANIZER: Role.CHECK_IN}),
        )  # fmt: skip


@pytest.fixture
async def platform(mongo_uri, make):
    """The service, and a second replica's lanes on the same database that stand for its consumers."""
    name = f"test_{new_id()}"
    async with running(mongo_uri, name) as started, open_database(mongo_uri, name) as database:
        started.make, started.other = make, make.lanes_on(Journal(database))
        started.uri, started.name = mongo_uri, name
        await offered(started)
        yield started


async def offered(platform, version=1, **changes):
    make, now = platform.make, utc_now()
    kinds = [
        replace(make.type(name, price=Money(0, "EUR")), name=f"{EVENT}/ticketTypes/{name}") for name in ("free", "vip")
    ]
    times = {"start_time": now + 60 * MINUTE, "end_time": now + 600 * MINUTE}
    offer = make.offer(*kinds, event=EVENT, organizer=ORGANIZER, version=version, **{**times, **changes})
    await platform.other.submit(make.project(offer), make.cause())


async def confirmed(platform, kind="free", quantity=1, name="Ada Łoś"):
    attendee = booking_pb2.Attendee(display_name=name)
    line = booking_pb2.BookingLine(
        ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity, attendees=[attendee] * quantity
    )
    request = booking_service_pb2.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    held = await platform.bookings.CreateBooking(request, metadata=platform.ada)
    confirm = booking_service_pb2.ConfirmBookingRequest(name=held.name)
    return await platform.bookings.ConfirmBooking(confirm, metadata=platform.ada)


async def door(platform, **fields):
    wanted = check_in_pb2.CheckInList(**{"display_name": "Door"} | fields)
    request = pb.CreateCheckInListRequest(parent=EVENT, check_in_list=wanted)
    return await platform.stub.CreateCheckInList(request, metadata=platform.olga)


async def scan(platform, check_in_list, ticket, **fields):
    request = pb.ScanTicketRequest(name=check_in_list.name, code=ticket.code, **fields)
    return await platform.stub.ScanTicket(request, metadata=platform.gus)


def logged(sequence, ticket, ago=1, **fields):
    time = time_to_wire(utc_now() - ago * MINUTE)
    return pb.LoggedScan(**{"sequence": sequence, "code": ticket.code, "scan_time": time} | fields)


async def upload(platform, check_in_list, device, *scans, **fields):
    request = pb.UploadScanLogRequest(name=check_in_list.name, device_id=device, scans=scans, **fields)
    return list((await platform.stub.UploadScanLog(request, metadata=platform.gus, timeout=30)).results)


def verdicts(results):
    return [check_in_pb2.ScanVerdict.Name(each.verdict).removeprefix("SCAN_VERDICT_") for each in results]


async def download(platform, check_in_list, metadata):
    request = pb.DownloadCheckInListRequest(name=check_in_list.name)
    pieces = [each async for each in platform.stub.DownloadCheckInList(request, metadata=metadata)]
    assert {each.content_type for each in pieces} == {"application/jose"}
    return b"".join(each.data for each in pieces)


def unbase64(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


async def test_a_list_is_made_read_changed_and_removed_by_those_who_may(platform):
    made = await door(platform, ticket_types=[f"{EVENT}/ticketTypes/vip"], gates=["North"], reentry_allowed=True)
    assert (made.admissions_per_ticket, made.gates) == (1, ["North"])
    get = pb.GetCheckInListRequest(name=made.name)
    assert await platform.stub.GetCheckInList(get, metadata=platform.gus) == made
    more = [await door(platform, display_name=f"Door {number}") for number in range(2)]
    page = await platform.stub.ListCheckInLists(
        pb.ListCheckInListsRequest(parent=EVENT, page_size=2), metadata=platform.gus
    )
    rest = await platform.stub.ListCheckInLists(
        pb.ListCheckInListsRequest(parent=EVENT, page_size=2, page_token=page.next_page_token), metadata=platform.gus
    )
    assert [*page.check_in_lists, *rest.check_in_lists] == [made, *more]
    change = pb.UpdateCheckInListRequest(
        check_in_list=check_in_pb2.CheckInList(name=made.name, gates=["South"], etag=made.etag),
        update_mask=FieldMask(paths=["gates"]), request_id="change-1",
    )  # fmt: skip
    changed = await platform.stub.UpdateCheckInList(change, metadata=platform.olga)
    assert (changed.gates, changed.display_name, changed.reentry_allowed) == (["South"], "Door", True)
    assert await platform.stub.UpdateCheckInList(change, metadata=platform.olga) == changed
    change.request_id = "change-2"
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await platform.stub.UpdateCheckInList(change, metadata=platform.olga)
    for call, request in (
        (platform.stub.UpdateCheckInList, change),
        (platform.stub.DeleteCheckInList, pb.DeleteCheckInListRequest(name=made.name)),
        (platform.stub.CreateCheckInList, pb.CreateCheckInListRequest(parent=EVENT, check_in_list=more[0])),
    ):
        with pytest.raises(PermissionDenied):
            await call(request, metadata=platform.gus)
    await platform.stub.DeleteCheckInList(pb.DeleteCheckInListRequest(name=made.name), metadata=platform.olga)
    with pytest.raises(NotFound):
        await platform.stub.GetCheckInList(get, metadata=platform.gus)
    with pytest.raises(PermissionDenied):
        await platform.stub.GetCheckInList(pb.GetCheckInListRequest(name=more[0].name), metadata=platform.ada)
    with pytest.raises(InvalidArgument, match="TICKET_TYPE_UNKNOWN"):
        await door(platform, ticket_types=[f"{EVENT}/ticketTypes/none"])


async def test_a_list_lets_in_and_out_by_its_rules(platform):
    made, booking = await door(platform, reentry_allowed=True, gates=["North"]), await confirmed(platform)
    ticket = booking.tickets[0]
    with pytest.raises(FailedPrecondition, match="GATE_UNKNOWN"):
        await scan(platform, made, ticket)
    with pytest.raises(FailedPrecondition, match="NOT_CHECKED_IN"):
        await scan(platform, made, ticket, gate="North", direction=EXIT)
    admitted = await scan(platform, made, ticket, gate="North", device_id="pda-1")
    assert (admitted.booking, admitted.ticket.state) == (booking.name, booking_pb2.TICKET_STATE_CHECKED_IN)
    assert (admitted.scan.gate, admitted.scan.device_id, admitted.scan.check_in_list) == ("North", "pda-1", made.name)
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN") as refused:
        await scan(platform, made, ticket, gate="North")
    assert (refused.value.metadata["gate"], refused.value.metadata["device_id"]) == ("North", "pda-1")
    left = await scan(platform, made, ticket, gate="North", direction=EXIT)
    assert left.ticket.HasField("check_out_time")
    assert left.scan.direction == EXIT
    again = await scan(platform, made, ticket, gate="North")
    assert again.scan.scan_time.ToDatetime() > left.scan.scan_time.ToDatetime()
    with pytest.raises(InvalidArgument, match="CLOCK_AHEAD"):
        await scan(platform, made, ticket, gate="North", scan_time=time_to_wire(utc_now() + 9 * MINUTE))
    read = await platform.bookings.GetBooking(
        booking_service_pb2.GetBookingRequest(name=booking.name), metadata=platform.ada
    )
    assert [(each.action, each.actor) for each in read.history[2:]] == [
        ("TicketCheckedIn", GUS), ("TicketCheckedOut", GUS), ("TicketCheckedIn", GUS),
    ]  # fmt: skip


async def test_a_code_with_one_bit_changed_admits_nobody(platform):
    made, booking = await door(platform), await confirmed(platform)
    ticket = booking.tickets[0]
    raw = bytearray(unbase64(ticket.code.encode()))
    for bit in range(0, len(raw) * 8, 37):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        code = base64.urlsafe_b64encode(forged).decode()
        with pytest.raises(InvalidArgument, match="TICKET_CODE_INVALID"):
            await scan(platform, made, SimpleNamespace(code=code))
        result = await upload(platform, made, "pda", logged(bit + 1, SimpleNamespace(code=code)))
        assert verdicts(result) == ["INVALID_CODE"]
    assert await scan(platform, made, ticket)


async def test_check_in_without_a_list_works_as_before_and_counts_on_lists(platform):
    made, booking = await door(platform), await confirmed(platform)
    request = booking_service_pb2.CheckInTicketRequest(parent=EVENT, code=booking.tickets[0].code)
    admitted = await platform.bookings.CheckInTicket(request, metadata=platform.gus)
    assert admitted.ticket.state == booking_pb2.TICKET_STATE_CHECKED_IN
    for call in (
        platform.bookings.CheckInTicket(request, metadata=platform.gus),
        scan(platform, made, admitted.ticket),
    ):
        with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN"):
            await call


async def test_an_admission_is_taken_back(platform):
    made, booking = await door(platform), await confirmed(platform)
    await scan(platform, made, booking.tickets[0])
    undo = pb.UndoCheckInRequest(name=made.name, ticket=booking.tickets[0].name, reason="wrong person")
    undone = await platform.stub.UndoCheckIn(undo, metadata=platform.gus)
    assert (undone.booking, undone.ticket.state) == (booking.name, booking_pb2.TICKET_STATE_VALID)
    assert undone.ticket.code == ""
    with pytest.raises(FailedPrecondition, match="NOT_CHECKED_IN"):
        await platform.stub.UndoCheckIn(undo, metadata=platform.gus)
    undo.ticket = f"events/{new_id()}/bookings/{new_id()}/tickets/{new_id()}"
    with pytest.raises(InvalidArgument):
        await platform.stub.UndoCheckIn(undo, metadata=platform.gus)


async def test_two_replicas_scanning_one_ticket_at_once_admit_one(platform):
    """INVARIANT: one ticket, one admission."""
    made, booking = await door(platform), await confirmed(platform)
    async with running(platform.uri, platform.name) as second:
        calls = [scan(each, made, booking.tickets[0]) for each in (platform, platform) * 5]
        request = pb.ScanTicketRequest(name=made.name, code=booking.tickets[0].code)
        gus = second.calls.bearer(GUS, {ORGANIZER: Role.CHECK_IN})
        calls += [second.stub.ScanTicket(request, metadata=gus) for _ in range(10)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in results if isinstance(each, BaseException)]
    assert len(results) - len(refused) == 1
    assert {each.reason for each in refused} == {"TICKET_CHECKED_IN"}


async def test_scan_logs_are_merged_whoever_comes_first_and_duplicates_are_listed(platform):
    made, booking = await door(platform), await confirmed(platform, quantity=2)
    one, two = booking.tickets
    results = await upload(platform, made, "late", logged(1, one, ago=3), logged(2, two, ago=3))
    assert verdicts(results) == ["ADMITTED", "ADMITTED"]
    early = [logged(7, one, ago=9, gate="North"), logged(8, one, ago=8), logged(9, two, ago=2, direction=EXIT)]
    for _ in range(2):  # sent again after a lost answer
        results = await upload(platform, made, "early", *early)
        assert verdicts(results) == ["ADMITTED", "DUPLICATE", "LEFT"]
    assert (results[1].first.device_id, results[1].first.sequence, results[1].first.gate) == ("early", 7, "North")
    assert verdicts(await upload(platform, made, "late", logged(1, one, ago=3)))[0] in {"REFUSED", "DUPLICATE"}
    listed = await platform.stub.ListDuplicateScans(
        pb.ListDuplicateScansRequest(parent=made.name, page_size=1), metadata=platform.gus
    )
    assert [each.ticket for each in listed.duplicate_scans] == [one.name]
    pairs = [(pair.first.sequence, pair.second.device_id) for pair in listed.duplicate_scans[0].pairs]
    assert pairs[:2] == [(7, "early"), (7, "late")]
    assert not listed.next_page_token


async def test_a_scan_that_was_changed_under_its_number_is_refused(platform):
    made, booking = await door(platform), await confirmed(platform)
    ticket = booking.tickets[0]
    first = logged(1, ticket, ago=5)
    assert verdicts(await upload(platform, made, "pda", first)) == ["ADMITTED"]
    other = logged(1, ticket, ago=2)
    result = (await upload(platform, made, "pda", other))[0]
    assert (result.verdict, result.reason) == (check_in_pb2.SCAN_VERDICT_REFUSED, "SEQUENCE_REUSED")


async def test_scan_logs_say_of_each_scan_why_it_does_not_count(platform):
    made = await door(platform, ticket_types=[f"{EVENT}/ticketTypes/free"])
    booking, vip = await confirmed(platform, quantity=2), await confirmed(platform, "vip")
    off = booking_service_pb2.CancelBookingRequest(name=booking.name)
    await platform.bookings.CancelBooking(off, metadata=platform.ada)
    results = await upload(
        platform, made, "pda", logged(1, booking.tickets[0]), logged(2, vip.tickets[0]),
        logged(3, vip.tickets[0], ago=-9), logged(4, SimpleNamespace(code="no code")),
    )  # fmt: skip
    assert verdicts(results) == ["VOID", "REFUSED", "REFUSED", "INVALID_CODE"]
    assert [each.reason for each in results] == [
        "TICKET_VOID", "TICKET_NOT_ON_LIST", "CLOCK_AHEAD", "TICKET_CODE_INVALID",
    ]  # fmt: skip
    assert [each.sequence for each in results] == [1, 2, 3, 4]


async def test_scans_of_cancelled_and_past_events_admit_nobody(platform):
    made, booking = await door(platform), await confirmed(platform, quantity=2)
    now = utc_now()
    await offered(platform, 2, start_time=now - 9 * MINUTE, end_time=now - 5 * MINUTE)
    with pytest.raises(FailedPrecondition, match="LIST_CLOSED") as refused:
        await scan(platform, made, booking.tickets[0])
    assert refused.value.metadata["end_time"]
    late = await upload(
        platform, made, "pda", logged(1, booking.tickets[0], ago=7), logged(2, booking.tickets[1], ago=1)
    )
    assert [each.reason for each in late] == ["", "LIST_CLOSED"]
    await offered(platform, 3, state=OfferState.CANCELLED)
    with pytest.raises(FailedPrecondition, match="EVENT_CANCELLED"):
        await scan(platform, made, booking.tickets[1])
    gone = await upload(platform, made, "pda", logged(3, booking.tickets[1]))
    assert (verdicts(gone), gone[0].reason) == (["VOID"], "EVENT_CANCELLED")


async def test_a_request_id_of_an_upload_is_not_used_for_another_log(platform):
    made, booking = await door(platform), await confirmed(platform)
    first = logged(1, booking.tickets[0])
    await upload(platform, made, "pda", first, request_id="log-1")
    assert verdicts(await upload(platform, made, "pda", first, request_id="log-1")) == ["ADMITTED"]
    with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
        await upload(platform, made, "pda", logged(2, booking.tickets[0]), request_id="log-1")
    elsewhere = logged(2, (await confirmed(platform)).tickets[0])
    for other in (elsewhere, logged(3, SimpleNamespace(code="no code"))):
        with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
            await upload(platform, made, "pda", other, request_id="log-1")
    assert verdicts(await upload(platform, made, "pda", elsewhere, request_id="log-2")) == ["ADMITTED"]


async def test_a_downloaded_list_is_signed_and_says_who_may_enter(platform):
    made = await door(platform, ticket_types=[f"{EVENT}/ticketTypes/free"])
    booking, _ = await confirmed(platform, quantity=2), await confirmed(platform, "vip")
    await scan(platform, made, booking.tickets[0])
    signed = await download(platform, made, platform.gus)
    head, payload, signature = signed.split(b".")
    keys = {
        each.kid: each.x
        for each in (await platform.tickets.ListTicketKeys(ticket_service_pb2.ListTicketKeysRequest())).keys
    }
    header = json.loads(unbase64(head))
    key = Ed25519PublicKey.from_public_bytes(unbase64(keys[header["kid"]].encode()))
    key.verify(unbase64(signature), head + b"." + payload)
    said = json.loads(unbase64(payload))
    canonical = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert unbase64(payload) == canonical
    assert (said["event"], said["checkInList"]["name"], said["checkInList"]["etag"]) == (EVENT, made.name, made.etag)
    tickets = {each["id"]: each for each in said["tickets"]}
    assert set(tickets) == {each.name.rpartition("/")[2] for each in booking.tickets}
    first, second = (tickets[each.name.rpartition("/")[2]] for each in booking.tickets)
    assert (first["used"], second.get("used"), first["attendee"], first["valid"]) == (1, None, "Ada Łoś", True)
    digest = hashlib.sha256(booking.tickets[0].code.encode()).digest()[:16]
    assert unbase64(first["code"].encode()) == digest
    with pytest.raises(PermissionDenied):
        await download(platform, made, platform.ada)


async def test_a_stream_tells_the_counts_of_each_list_as_they_change(platform):
    made, booking = await door(platform), await confirmed(platform, quantity=2)
    request = pb.WatchCheckInsRequest(parent=EVENT)
    stream = platform.stub.WatchCheckIns(request, metadata=platform.gus)
    news = aiter(stream)
    first = await anext(news)
    assert [(each.check_in_list, each.admitted_count) for each in first.counts] == [(made.name, 0)]
    await scan(platform, made, booking.tickets[0], gate="North")
    told = (await anext(news)).counts[0]
    assert (told.admitted_count, told.inside_count, told.latest[0].scan.gate) == (1, 1, "North")
    assert told.latest[0].ticket == booking.tickets[0].name
    async with running(platform.uri, platform.name) as second:
        gus = second.calls.bearer(GUS, {ORGANIZER: Role.CHECK_IN})
        other = pb.ScanTicketRequest(name=made.name, code=booking.tickets[1].code)
        await second.stub.ScanTicket(other, metadata=gus)
        async with asyncio.timeout(10):
            assert (await anext(news)).counts[0].admitted_count == 2
    with pytest.raises(PermissionDenied):
        await anext(aiter(platform.stub.WatchCheckIns(request, metadata=platform.ada)))
