"""A real Envoy in front of fake services that record every call that reaches them."""

import json
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx
import pytest
from google.api import httpbody_pb2
from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway_config import TEMPLATE, assemble_site, descriptor_image, render_gateway
from testkit.noida import free_port
from usher.booking.v1 import (
    booking_pb2,
    booking_service_pb2_grpc,
    check_in_pb2,
    check_in_service_pb2,
    check_in_service_pb2_grpc,
)
from usher.event.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc
from usher.payment.v1 import payment_service_pb2_grpc
from usher.search.v1 import search_service_pb2, search_service_pb2_grpc
from usher.user.v1 import user_pb2, user_service_pb2, user_service_pb2_grpc

ISSUER = "https://usher.test"
ID = "01jv8x3m7q2k5t9w4r6y1z0abc"
SERVICES = ("USER", "EVENT", "BOOKING", "PAYMENT", "NOTIFICATION", "SEARCH", "ANALYTICS")


@dataclass
class Call:
    """What a fake service was asked."""

    rpc: str
    request: object
    metadata: Mapping[str, str]
    seconds_left: float | None


@dataclass
class FakeServices:
    """Canned answers of a few rpcs; remembers the calls."""

    keys: dict[str, object]
    calls: list[Call] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], object] = lambda: None

    def note(self, rpc: str, request: object, context: grpc.ServicerContext) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append(Call(rpc, request, metadata, context.time_remaining()))


class FakeUserService(user_service_pb2_grpc.UserServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def GetJsonWebKeySet(self, request, context):
        return httpbody_pb2.HttpBody(content_type="application/json", data=json.dumps(self.services.keys).encode())

    def RegisterUser(self, request, context):
        self.services.note("RegisterUser", request, context)
        return user_pb2.User()

    def GetUser(self, request, context):
        self.services.note("GetUser", request, context)
        return user_pb2.User(name=request.name)

    def UpdateUser(self, request, context):
        self.services.note("UpdateUser", request, context)
        return request.user

    def SignIn(self, request, context):
        self.services.note("SignIn", request, context)
        return user_service_pb2.Tokens(access_token="x")


class FakeEventService(event_service_pb2_grpc.EventServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def GetEvent(self, request, context):
        self.services.note("GetEvent", request, context)
        if request.name.endswith("missing"):
            context.abort_with_status(rpc_status.to_status(refusal()))
        return event_pb2.Event(name=request.name, title="PyCon")

    def CreateEvent(self, request, context):
        self.services.note("CreateEvent", request, context)
        return request.event

    def ImportEvents(self, request, context):
        self.services.note("ImportEvents", request, context)
        yield event_service_pb2.ImportEventsResponse(checked_count=1)
        yield event_service_pb2.ImportEventsResponse(checked_count=2, done=True)


class FakeBookingService(booking_service_pb2_grpc.BookingServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def WatchAvailability(self, request, context):
        self.services.note("WatchAvailability", request, context)
        yield booking_pb2.Availability(name=request.name, bookable=True)
        self.services.released.wait(10)
        yield booking_pb2.Availability(name=request.name)

    def GetTicketQrCode(self, request, context):
        self.services.note("GetTicketQrCode", request, context)
        return httpbody_pb2.HttpBody(content_type="image/png", data=b"\x89PNG")


class FakeCheckInService(check_in_service_pb2_grpc.CheckInServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def DownloadCheckInList(self, request, context):
        self.services.note("DownloadCheckInList", request, context)
        for piece in (b"head.pay", b"load.", b"signature"):
            yield httpbody_pb2.HttpBody(content_type="application/jose", data=piece)

    def WatchCheckIns(self, request, context):
        self.services.note("WatchCheckIns", request, context)
        for admitted in (1, 2):
            counts = check_in_pb2.CheckInCounts(admitted_count=admitted)
            yield check_in_service_pb2.WatchCheckInsResponse(counts=[counts])
            self.services.released.wait(10)

    def UploadScanLog(self, request, context):
        self.services.note("UploadScanLog", request, context)
        return check_in_service_pb2.UploadScanLogResponse()


class FakeSearchService(search_service_pb2_grpc.SearchServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def SearchEvents(self, request, context):
        self.services.note("SearchEvents", request, context)
        return search_service_pb2.SearchEventsResponse()


class FakePaymentService(payment_service_pb2_grpc.PaymentServiceServicer):
    def __init__(self, services: FakeServices) -> None:
        self.services = services

    def ReceiveStripeWebhook(self, request, context):
        self.services.note("ReceiveStripeWebhook", request, context)
        return httpbody_pb2.HttpBody(content_type="text/plain", data=request.data)

    def ReceiveWebhook(self, request, context):
        self.services.note("ReceiveWebhook", request, context)
        return httpbody_pb2.HttpBody(content_type="text/plain", data=request.body.data)


def refusal() -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="events/missing does not exist.")
    for detail in (
        error_details_pb2.ErrorInfo(reason="RESOURCE_NOT_FOUND", domain="usher.event"),
        error_details_pb2.BadRequest(field_violations=[error_details_pb2.BadRequest.FieldViolation(field="name")]),
    ):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


@dataclass(frozen=True)
class Gateway:
    """A running Envoy."""

    port: int
    services: FakeServices
    key: ECKey
    access_log: Path
    upstream: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(
        self, *, seconds: int = 600, issuer: str = ISSUER, audience: str = "usher", key: ECKey | None = None
    ) -> str:
        now = int(time.time())
        claims = {"iss": issuer, "aud": audience, "sub": f"users/{ID}", "iat": now - 1000, "exp": now + seconds}
        signer = key or self.key
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, signer)


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=True)


@contextmanager
def fake_services(
    services: FakeServices, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", 16 << 20)])
    user_service_pb2_grpc.add_UserServiceServicer_to_server(FakeUserService(services), server)
    event_service_pb2_grpc.add_EventServiceServicer_to_server(FakeEventService(services), server)
    booking_service_pb2_grpc.add_BookingServiceServicer_to_server(FakeBookingService(services), server)
    check_in_service_pb2_grpc.add_CheckInServiceServicer_to_server(FakeCheckInService(services), server)
    search_service_pb2_grpc.add_SearchServiceServicer_to_server(FakeSearchService(services), server)
    payment_service_pb2_grpc.add_PaymentServiceServicer_to_server(FakePaymentService(services), server)
    address = f"127.0.0.1:{port}"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    services.stop = lambda: server.stop(0).wait(5)
    try:
        yield port
    finally:
        services.released.set()
        server.stop(0).wait(5)


@contextmanager
def running_gateway(
    folder: Path,
    *,
    ready: bool = True,
    template: str | None = None,
    credentials: grpc.ServerCredentials | None = None,
    answer: int = 200,
    add: Callable[[str], str] = lambda configuration: configuration,
    **changes: str,
) -> Iterator[Gateway]:
    """Envoy with the real template, or one made from it, over fake services; `changes` replace placeholder values.

    `add` goes over the rendered configuration. `ready` waits until tokens are verified; without it only until the
    listener gives `answer`.
    """
    key = new_key()
    services = FakeServices(keys={"keys": [key.as_dict(private=False, alg="ES256", use="sig")]})
    assemble_site(folder / "site")
    with fake_services(services, credentials=credentials) as upstream:
        port = free_port()
        values = {
            "ADMIN_PORT": str(free_port()),
            "LISTEN_ADDRESS": "127.0.0.1",
            "LISTEN_PORT": str(port),
            "TRUSTED_HOPS": "0",
            "ACCESS_LOG": str(folder / "access.log"),
            "ALLOWED_ORIGINS": r"https://[a-z]+\.example",
            "SITE_FOLDER": str(folder / "site"),
            "DESCRIPTORS": str(descriptor_image()),
            "TOKEN_ISSUER": ISSUER,
            "REQUESTS_PER_SECOND": "10000",
            "REQUEST_BURST": "10000",
            "ACCOUNT_REQUESTS_PER_MINUTE": "10000",
            "ACCOUNT_BURST": "10000",
            "HEAP_BYTES": str(1 << 30),
            **{f"{name}_HOST": "127.0.0.1" for name in SERVICES},
            **{f"{name}_PORT": str(upstream) for name in SERVICES},
            "NOTIFICATION_PORT": str(free_port()),  # nobody there
        } | changes
        (folder / "envoy.yaml").write_text(add(render_gateway(template or TEMPLATE.read_text(), values)))
        program = str(Path(sysconfig.get_path("scripts")) / "envoy")
        with (folder / "envoy.log").open("wb") as log:
            command = [
                program,
                "-c",
                str(folder / "envoy.yaml"),
                "--disable-hot-restart",
                "--file-flush-interval-msec",
                "100",
                "--concurrency",
                "1",
                "-l",
                "warning",
            ]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            gateway = Gateway(port, services, key, folder / "access.log", upstream)
            headers = {"authorization": f"Bearer {gateway.token()}"} if ready else {}
            path = f"/v1/users/{ID}" if ready else "/docs"
            wait_until_answering(gateway, path, headers, process, folder / "envoy.log", answer)
            services.calls.clear()
            yield gateway
        finally:
            services.released.set()
            process.terminate()
            process.wait(10)


def wait_until_answering(
    gateway: Gateway, path: str, headers: Mapping[str, str], process: subprocess.Popen[bytes], log: Path, answer: int
) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{gateway.url}{path}", headers=headers).status_code == answer:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"Envoy did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    shared_gateway.services.calls.clear()
    return shared_gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url) as client:
        yield client


@pytest.fixture(scope="session")
def other_services():
    """`other_services()`: one more process with all fake services; the port and what it was asked."""

    @contextmanager
    def start(port: int = 0, credentials: grpc.ServerCredentials | None = None) -> Iterator[tuple[int, FakeServices]]:
        services = FakeServices(keys={})
        with fake_services(services, port, credentials) as port:
            yield port, services

    return start


@pytest.fixture(scope="session")
def start_gateway_once():
    """Starts a gateway of its own with other placeholder values."""
    return running_gateway
