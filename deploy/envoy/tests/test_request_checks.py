"""What no honest caller sends is refused by the gateway, and reaches no service."""

import socket
import time

import grpc
import httpx
import pytest

from gateway_config import TEMPLATE
from usher.event.v1 import event_service_pb2, event_service_pb2_grpc
from usher.user.v1 import user_service_pb2, user_service_pb2_grpc

OTHER_KINDS = (
    *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("application/xml", "application/jsonx", "x"),
)
REGISTER, SIGN_IN = "/v1/users:register", "/v1/sessions:signIn"


def reason_of(response):
    return response.json()["details"][0]["reason"]


def raw(gateway, text, seconds=10.0):
    """What comes back until the connection is closed, or until `seconds` have passed."""
    received = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=seconds) as connection:
        connection.sendall(text)
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            received += b"(still open)"
    return received.decode()


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "LOCK"])
def test_a_method_that_no_path_takes_is_405_and_says_which_are(gateway, client, method):
    response = client.request(method, "/v1/events/x", content=b"{}")
    assert response.status_code == 405
    assert (response.json()["code"], reason_of(response)) == (12, "METHOD_UNKNOWN")
    assert response.headers["allow"] == "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
    assert gateway.services.calls == []


def test_nobody_uses_the_gateway_as_a_proxy(gateway):
    answer = raw(gateway, b"CONNECT elsewhere.test:443 HTTP/1.1\r\nhost: elsewhere.test:443\r\n\r\n")
    assert answer.startswith("HTTP/1.1 403"), answer
    absolute = b"GET http://elsewhere.test/v1/nothing HTTP/1.1\r\nhost: elsewhere.test\r\nconnection: close\r\n\r\n"
    assert raw(gateway, absolute).startswith("HTTP/1.1 404")


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("PATCH", "/v1/users/x")])
def test_a_body_of_another_kind_than_json_is_415(gateway, client, method, path, kind):
    response = client.request(method, path, content=b"{}", headers={"content-type": kind})
    assert response.status_code == 415
    assert (response.json()["code"], reason_of(response)) == (3, "CONTENT_TYPE_UNKNOWN")
    assert gateway.services.calls == []


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", None]
)
def test_json_is_taken_as_it_is_written(gateway, client, kind):
    headers = {"content-type": kind} if kind else {}
    assert client.post("/v1/events", content=b'{"title": "x"}', headers=headers).status_code == 200
    assert len(gateway.services.calls) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/events/a%2fb", 400),
        ("/v1/events/a%5cb", 400),
        ("/v1/events/a\\b", 404),  # a slash, as for browsers
        ("/v1/events/x/../../../docs", 200),
        ("/v1/users/../events/x", 200),
        ("//v1///events//x", 200),
        ("/v1/events/a%00b", 400),
    ],
)
def test_a_path_is_made_plain_or_refused(gateway, path, status):
    answer = raw(gateway, f"GET {path} HTTP/1.1\r\nhost: usher\r\nconnection: close\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status}"), answer
    for call in gateway.services.calls:
        assert ".." not in call.request.name
        assert "%" not in call.request.name


def test_a_header_with_an_underscore_is_refused_since_it_may_be_read_as_another(gateway, client):
    response = client.get("/v1/events/x", headers={"x_usher_user": "forged"})
    assert response.status_code == 400
    assert gateway.services.calls == []


def test_headers_larger_than_services_take_are_431(gateway, client):
    response = client.get("/v1/events/x", headers={"x-large": "a" * 40_000})
    assert response.status_code == 431
    assert reason_of(response) == "HEADERS_TOO_LARGE"
    assert client.get("/v1/events/x", headers={"x-large": "a" * 6_000}).status_code == 200
    assert len(gateway.services.calls) == 1


def test_more_headers_than_anybody_needs_are_431(gateway, client):
    response = client.get("/v1/events/x", headers={f"x-{number}": "a" for number in range(70)})
    assert response.status_code == 431
    assert reason_of(response) == "HEADERS_TOO_LARGE"
    assert client.get("/v1/events/x", headers={f"x-{number}": "a" for number in range(40)}).status_code == 200
    assert len(gateway.services.calls) == 1


def test_too_many_headers_of_a_grpc_client_are_refused_too(gateway):
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.GetEvent(
                event_service_pb2.GetEventRequest(name="events/x"),
                metadata=[(f"x-{number}", "a") for number in range(70)],
            )
    assert gateway.services.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "content-length: 4\r\ncontent-length: 5",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity",
        "content-length: -1",
        "content-length: 4\r\nbad header: x",
        "content-length: 4\r\nx: a\rb",
        "content-length: 4\r\nhost: other",
    ],
)
def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(gateway, headers):
    """RFC 9112, section 11.2: request smuggling."""
    answer = raw(gateway, f"POST /v1/events HTTP/1.1\r\nhost: usher\r\n{headers}\r\n\r\n0\r\n\r\n".encode())
    assert answer.startswith(("HTTP/1.1 400", "HTTP/1.1 501")), answer
    assert gateway.services.calls == []


def test_what_speaks_for_the_platform_or_for_other_proxies_is_dropped(gateway, client):
    forged = (
        *("x-usher-user", "x-usher-anything", "x-envoy-internal", "x-envoy-original-path", "x-forwarded-client-cert"),
        *("x-original-url", "x-rewrite-url", "x-http-method", "x-http-method-override", "x-method-override"),
        *("x-forwarded-host", "x-forwarded-prefix", "baggage", "grpc-trace-bin"),
    )
    assert client.get("/v1/events/x", headers=dict.fromkeys(forged, "Zm9yZ2Vk")).status_code == 200
    (call,) = gateway.services.calls
    assert "Zm9yZ2Vk" not in call.metadata.values()
    # The one is written by the gateway itself, from the address that was asked for.
    assert set(forged) & set(call.metadata) == {"x-envoy-original-path"}
    assert call.metadata["x-envoy-original-path"] == "/v1/events/x"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, start_gateway_once):
    """The times to wait are a tenth, so that nobody waits for the test."""
    text = TEMPLATE.read_text()
    for name, seconds in (("request_headers_timeout", 10), ("request_timeout", 60)):
        assert text.count(f"{name}: {seconds}s") == 1
        text = text.replace(f"{name}: {seconds}s", f"{name}: {'0.5' if seconds == 10 else 1}s")
    with start_gateway_once(tmp_path_factory.mktemp("hasty"), template=text) as gateway:
        yield gateway


def test_who_sends_headers_drop_by_drop_is_let_go(hasty):
    began = time.monotonic()
    answer = raw(hasty, b"GET /v1/events/x HTTP/1.1\r\nhost: usher\r\nx-slow: ")
    assert "(still open)" not in answer
    assert answer.startswith("HTTP/1.1 408")
    assert time.monotonic() - began < 8


def test_who_sends_a_body_drop_by_drop_is_let_go(hasty):
    start = b"POST /v1/events HTTP/1.1\r\nhost: usher\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"
    answer = raw(hasty, start)
    assert answer.startswith("HTTP/1.1 408")
    assert "REQUEST_TOO_SLOW" in answer
    assert hasty.services.calls == []


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, start_gateway_once):
    """Few sign-ins from one address, and as much as one likes of everything else."""
    limits = {"ACCOUNT_REQUESTS_PER_MINUTE": "1", "ACCOUNT_BURST": "5", "TRUSTED_HOPS": "1"}
    with start_gateway_once(tmp_path_factory.mktemp("guarded"), **limits) as gateway:
        yield gateway


@pytest.mark.parametrize("path", [REGISTER, SIGN_IN])
def test_where_passwords_are_guessed_and_mails_are_caused_an_address_has_less(guarded, path):
    number = {REGISTER: 1, SIGN_IN: 2}[path]
    with httpx.Client(base_url=guarded.url, headers={"x-forwarded-for": f"198.51.100.{number}"}) as client:
        statuses = [client.post(path, json={}).status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = client.post(path, json={})
        assert (reason_of(refused), refused.headers["retry-after"]) == ("RATE_LIMITED", "60")
        assert client.get("/v1/events/x").status_code == 200, "the rest of the API has a bucket of its own"
        other = client.post(path, json={}, headers={"x-forwarded-for": f"203.0.113.{number}"})
        assert other.status_code == 200


def test_neither_grpc_nor_another_spelling_of_the_path_is_a_way_round_it(guarded):
    headers = {"x-forwarded-for": "198.51.100.7"}
    with httpx.Client(base_url=guarded.url, headers=headers) as client:
        for path in (SIGN_IN, "//v1//sessions:signIn", "/v1/x/../sessions:signIn", f"{SIGN_IN}?prettyPrint=1"):
            client.post(path, json={})
    with grpc.insecure_channel(f"127.0.0.1:{guarded.port}") as channel:
        stub = user_service_pb2_grpc.UserServiceStub(channel)
        metadata = list(headers.items())
        codes = []
        for _ in range(7):
            try:
                stub.SignIn(user_service_pb2.SignInRequest(), metadata=metadata)
                codes.append(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.append(error.code())
    assert codes[-1] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert codes.count(grpc.StatusCode.OK) <= 5


def test_while_memory_runs_short_new_requests_are_refused_and_told_when_to_come_again(tmp_path, start_gateway_once):
    text = TEMPLATE.read_text()
    first, _, rest = text.partition("    - name: envoy.overload_actions.stop_accepting_connections\n")
    assert rest
    template = first + rest.partition("\n")[2]  # or there would be nobody to ask
    with start_gateway_once(tmp_path, ready=False, answer=503, template=template, HEAP_BYTES="1") as gateway:
        refused = httpx.get(f"{gateway.url}/v1/events/x")
        assert (refused.status_code, reason_of(refused)) == (503, "SERVICE_UNAVAILABLE")
        assert refused.json()["details"][1]["retryDelay"] == "1s"
        assert gateway.services.calls == []
