"""Tickets as documents, over rpc: who gets them, in which language, and what is refused."""

import base64
import io
import json
import zipfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pypdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from google.protobuf import json_format
from icalendar import Calendar
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import TransferTicket
from booking_service.domain.offer import Place
from booking_service.domain.questions import Attendee
from booking_service.settings import Settings
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as booking_pb
from usher.booking.v1 import ticket_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.ticket_service_pb2_grpc import TicketServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))
APPLE, GOOGLE = pb.GetWalletPassRequest.FORMAT_APPLE, pb.GetWalletPassRequest.FORMAT_GOOGLE


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


def offered(make, version=1, **changes):
    kind = replace(make.type("free", price=Money(0, "EUR")), name=f"{EVENT}/ticketTypes/free")
    start = datetime(datetime.now(UTC).year + 1, 3, 6, 18, 30, tzinfo=UTC)
    told = {
        "title": "Nuit des aurores, Ночь; №1",
        "start_time": start,
        "end_time": start + timedelta(hours=3),
        "time_zone": "Europe/Paris",
        "place": Place("Palais des congrès", "2 Place de la Porte Maillot, Paris, FR", "FR", "", 48.8786, 2.2831),
    }
    return make.offer(kind, event=EVENT, organizer=ORGANIZER, version=version, **{**told, **changes})


async def started(stack, uri, name, **changes):
    settings = OwnDatabase(
        mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name, **changes
    )
    service = await stack.enter_async_context(build(settings, Metrics("booking")))
    calls = await stack.enter_async_context(calls_to(service, CallSettings(service="booking")))
    return SimpleNamespace(
        bookings=BookingServiceStub(calls.channel), tickets=TicketServiceStub(calls.channel), calls=calls,
        ada=calls.bearer(ADA), signed=settings,
    )  # fmt: skip


@pytest.fixture
async def platform(mongo_uri, make):
    name = f"test_{new_id()}"
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(mongo_uri, name))
        running = await started(stack, mongo_uri, name)
        running.lanes, running.make = make.lanes_on(Journal(database)), make
        running.again = lambda **changes: started(stack, mongo_uri, name, **changes)
        await running.lanes.submit(make.project(offered(make)), make.cause())
        yield running


async def book(platform, quantity=2, *, confirm=True):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/free", quantity=quantity)
    request = booking_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    held = await platform.bookings.CreateBooking(request, metadata=platform.ada)
    if not confirm:
        return held
    return await platform.bookings.ConfirmBooking(
        booking_pb.ConfirmBookingRequest(name=held.name), metadata=platform.ada
    )


async def cancel(platform, booking):
    await platform.bookings.CancelBooking(booking_pb.CancelBookingRequest(name=booking.name), metadata=platform.ada)


def text_of(document):
    pages = pypdf.PdfReader(io.BytesIO(document.data), strict=True).pages
    return len(pages), " ".join("\n".join(page.extract_text() for page in pages).split())


async def test_tickets_come_as_pdf_in_the_reader_s_language(platform):
    booking = await book(platform, 5)
    ask = pb.DownloadTicketsRequest(name=booking.name, tickets_per_page=2)
    accepting = (*platform.ada, ("accept-language", "ja, fr-CA;q=0.9, en;q=0.5"))
    document = await platform.tickets.DownloadTickets(ask, metadata=accepting)
    assert document.content_type == "application/pdf"
    pages, text = text_of(document)
    assert pages == 3
    assert "6 mars" in text
    assert text.count("Nuit des aurores, Ночь; №1") == 5
    assert text.count(booking.name.rpartition("/")[2].upper()) == 5
    assert "Palais des congrès, 2 Place de la Porte Maillot" in text
    ask.language_code = "de"
    _, german = text_of(await platform.tickets.DownloadTickets(ask, metadata=accepting))
    assert "6. März" in german
    alone = await platform.tickets.DownloadTickets(pb.DownloadTicketsRequest(name=booking.name), metadata=platform.ada)
    assert text_of(alone)[0] == 5
    assert "Saturday" in text_of(alone)[1] or "March 6" in text_of(alone)[1]


async def test_a_calendar_entry_follows_booking_and_event(platform, make):
    booking = await book(platform)
    ask = pb.DownloadTicketCalendarRequest(name=booking.name)

    async def entry():
        answer = await platform.tickets.DownloadTicketCalendar(ask, metadata=platform.ada)
        calendar = Calendar.from_ical(answer.data)
        return answer.content_type, str(calendar["method"]), calendar.walk("VEVENT")[0]

    kind, method, first = await entry()
    assert (kind, method) == ("text/calendar; charset=utf-8; method=PUBLISH", "PUBLISH")
    assert first["uid"] == booking.name.rpartition("/")[2]
    assert first["summary"] == "Nuit des aurores, Ночь; №1"
    assert first["location"] == "Palais des congrès, 2 Place de la Porte Maillot, Paris, FR"
    moved = offered(make, version=2)
    await platform.lanes.submit(
        make.project(replace(moved, start_time=moved.start_time + timedelta(hours=1))), make.cause()
    )
    _, _, second = await entry()
    assert second.decoded("dtstart") - first.decoded("dtstart") == timedelta(hours=1)
    await cancel(platform, booking)
    kind, method, last = await entry()
    assert (kind, method) == ("text/calendar; charset=utf-8; method=CANCEL", "CANCEL")
    assert (last["status"], last["uid"]) == ("CANCELLED", first["uid"])
    assert first["sequence"] < second["sequence"] < last["sequence"]


async def test_what_has_no_tickets_gives_no_documents(platform):
    held = await book(platform, confirm=False)
    for ask, call in (
        (pb.DownloadTicketsRequest(name=held.name), platform.tickets.DownloadTickets),
        (pb.DownloadTicketCalendarRequest(name=held.name), platform.tickets.DownloadTicketCalendar),
    ):
        with pytest.raises(FailedPrecondition, match="BOOKING_NOT_CONFIRMED"):
            await call(ask, metadata=platform.ada)
    booking = await book(platform)
    await cancel(platform, booking)
    with pytest.raises(FailedPrecondition, match="BOOKING_CANCELLED"):
        await platform.tickets.DownloadTickets(pb.DownloadTicketsRequest(name=booking.name), metadata=platform.ada)
    with pytest.raises(FailedPrecondition, match="TICKET_VOID"):
        await platform.tickets.GetWalletPass(
            pb.GetWalletPassRequest(name=booking.tickets[0].name), metadata=platform.ada
        )


async def test_a_ticket_of_another_booking_is_not_found(platform):
    first, second = await book(platform), await book(platform)
    foreign = f"{first.name}/tickets/{second.tickets[0].name.rpartition('/')[2]}"
    with pytest.raises(NotFound):
        await platform.tickets.GetWalletPass(pb.GetWalletPassRequest(name=foreign), metadata=platform.ada)


async def test_documents_are_for_the_buyer_and_who_may_read_tickets(platform):
    """INVARIANT: whoever has the document is admitted, so nobody else gets it."""
    booking = await book(platform)
    requests = [
        (platform.tickets.DownloadTickets, pb.DownloadTicketsRequest(name=booking.name)),
        (platform.tickets.DownloadTicketCalendar, pb.DownloadTicketCalendarRequest(name=booking.name)),
        (platform.tickets.GetWalletPass, pb.GetWalletPassRequest(name=booking.tickets[0].name)),
    ]
    bearer = platform.calls.bearer
    for call, request in requests:
        with pytest.raises(Unauthenticated):
            await call(request)
        for stranger in (bearer(BOB), bearer(OLGA, {f"organizers/{new_id()}": Role.OWNER})):
            with pytest.raises(PermissionDenied):
                await call(request, metadata=stranger)
    for role in (Role.VIEWER, Role.CHECK_IN, Role.FINANCE):
        for call, request in (requests[0], requests[2]):
            with pytest.raises(PermissionDenied):
                await call(request, metadata=bearer(OLGA, {ORGANIZER: role}))
        assert (await requests[1][0](requests[1][1], metadata=bearer(OLGA, {ORGANIZER: role}))).data
    for call, request in requests[:2]:
        assert (await call(request, metadata=bearer(OLGA, {ORGANIZER: Role.MANAGER}))).data


async def test_codes_are_read_by_who_holds_or_issues_them(platform):
    """INVARIANT: whoever has the code is admitted."""
    booking, bearer = await book(platform), platform.calls.bearer
    for role, told in ((Role.MANAGER, True), (Role.VIEWER, False), (Role.CHECK_IN, False), (Role.FINANCE, False)):
        member = bearer(OLGA, {ORGANIZER: role})
        read = await platform.bookings.GetBooking(booking_pb.GetBookingRequest(name=booking.name), metadata=member)
        listed = await platform.bookings.ListBookings(booking_pb.ListBookingsRequest(parent=EVENT), metadata=member)
        for each in (*read.tickets, *listed.bookings[0].tickets):
            assert bool(each.code) is told
    qr_code = booking_pb.GetTicketQrCodeRequest(name=booking.tickets[0].name)
    with pytest.raises(PermissionDenied):
        await platform.bookings.GetTicketQrCode(qr_code, metadata=bearer(OLGA, {ORGANIZER: Role.CHECK_IN}))
    mine = await platform.bookings.ListUserBookings(
        booking_pb.ListUserBookingsRequest(parent=ADA), metadata=platform.ada
    )
    assert [each.code for each in mine.bookings[0].tickets] == [each.code for each in booking.tickets] != ["", ""]


async def test_a_buyer_has_no_document_of_what_they_passed_on(platform):
    """INVARIANT: a place has one holder."""
    booking = await book(platform)
    bob, given = Attendee("Bob", "bob@example.org"), booking.tickets[0].name
    transfer = TransferTicket(EVENT, booking.name, given, bob, False, platform.make.Issuer())
    await platform.lanes.submit(transfer, platform.make.cause())
    request = booking_pb.GetBookingRequest(name=booking.name)
    after = await platform.bookings.GetBooking(request, metadata=platform.ada)
    void, own, new = after.tickets
    assert [bool(each.code) for each in (void, own, new)] == [True, True, False]
    manager = platform.calls.bearer(OLGA, {ORGANIZER: Role.MANAGER})
    qr_code, wallet = platform.bookings.GetTicketQrCode, platform.tickets.GetWalletPass
    for call, kind in ((qr_code, booking_pb.GetTicketQrCodeRequest), (wallet, pb.GetWalletPassRequest)):
        with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
            await call(kind(name=new.name), metadata=platform.ada)
    assert (await qr_code(booking_pb.GetTicketQrCodeRequest(name=new.name), metadata=manager)).data
    download = pb.DownloadTicketsRequest(name=booking.name)
    for who, pages in ((platform.ada, 1), (manager, 2)):
        printed = await platform.tickets.DownloadTickets(download, metadata=who)
        assert len(pypdf.PdfReader(io.BytesIO(printed.data)).pages) == pages


async def test_bad_input_is_refused_with_the_field(platform):
    booking = await book(platform)
    ticket = booking.tickets[0].name
    download, wallet = platform.tickets.DownloadTickets, platform.tickets.GetWalletPass
    for call, request, field in [
        (download, pb.DownloadTicketsRequest(name=booking.name, tickets_per_page=3), "tickets_per_page"),
        (download, pb.DownloadTicketsRequest(name=booking.name, tickets_per_page=-1), "tickets_per_page"),
        (download, pb.DownloadTicketsRequest(name=booking.name, language_code="../etc"), "language_code"),
        (wallet, pb.GetWalletPassRequest(name=ticket, format=9), "format"),
        (wallet, pb.GetWalletPassRequest(name=ticket, language_code="x" * 40), "language_code"),
    ]:
        with pytest.raises(InvalidArgument) as refused:
            await call(request, metadata=platform.ada)
        assert field in [each.field for each in refused.value.violations]


async def test_a_wallet_without_keys_is_refused_by_name(platform):
    booking = await book(platform)
    for kind, name in ((APPLE, "APPLE"), (GOOGLE, "GOOGLE"), (0, "APPLE")):
        request = pb.GetWalletPassRequest(name=booking.tickets[0].name, format=kind)
        with pytest.raises(FailedPrecondition, match="WALLET_NOT_CONFIGURED") as refused:
            await platform.tickets.GetWalletPass(request, metadata=platform.ada)
        assert refused.value.metadata["format"] == name


def wallet_settings():
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    named = [(NameOID.USER_ID, "pass.example.usher"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEAM123456")]
    subject = x509.Name([x509.NameAttribute(*each) for each in named])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    account = json.dumps({"client_email": "wallet@example", "private_key": pem})
    return pem, {
        "apple_certificates": certificate, "apple_key": pem, "google_issuer": "33880000", "google_account": account,
    }  # fmt: skip


async def test_a_wallet_with_keys_gives_a_signed_pass(platform):
    booking = await book(platform)
    pem, settings = wallet_settings()
    configured = await platform.again(**settings)
    ticket = booking.tickets[0]
    apple = await configured.tickets.GetWalletPass(
        pb.GetWalletPassRequest(name=ticket.name, format=APPLE), metadata=configured.ada
    )
    assert apple.content_type == "application/vnd.apple.pkpass"
    with zipfile.ZipFile(io.BytesIO(apple.data)) as archive:
        assert {"pass.json", "manifest.json", "signature", "icon.png"} <= set(archive.namelist())
        assert json.loads(archive.read("pass.json"))["barcodes"][0]["message"] == ticket.code
    google = await configured.tickets.GetWalletPass(
        pb.GetWalletPassRequest(name=ticket.name, format=GOOGLE), metadata=configured.ada
    )
    assert google.content_type == "application/jwt"
    claims = jwt.decode(google.data.decode(), RSAKey.import_key(pem), ["RS256"]).claims
    assert claims["payload"]["eventTicketObjects"][0]["barcode"]["value"] == ticket.code


async def test_anybody_gets_the_keys_as_a_key_set_that_verifies_codes(platform):
    booking = await book(platform)
    answer = await platform.tickets.ListTicketKeys(pb.ListTicketKeysRequest())
    KeySet.import_key_set(json_format.MessageToDict(answer))
    (key,) = answer.keys
    assert (key.kty, key.crv, key.kid, key.use, key.alg) == ("OKP", "Ed25519", "1", "sig", "EdDSA")
    code = base64.urlsafe_b64decode(booking.tickets[0].code)
    assert int.from_bytes(code[1:5], "big") == int(key.kid)
    Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "=")).verify(code[53:], code[:53])
