"""The test of a release says of each check what it found."""

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway_config.smoke import CHECKS, Visit, smoke
from gateway_config.smoke.mailpit import mailpit
from gateway_config.smoke.tls import certificate_is_valid, plain_http_is_refused
from gateway_config.smoke.visit import Skipped, Wrong

NAME = "tickets.example"


def outcomes(url, **options):
    return {each.check.split()[0]: each for each in smoke(Visit(url, arrival_seconds=1, **options))}


def test_what_is_wrong_is_said_and_what_cannot_be_asked_is_skipped(gateway):
    """The fake services know no search result and every event, and nothing of health; the key set is right."""
    found = outcomes(gateway.url)
    assert {name: each.verdict for name, each in found.items()} == {
        "The": "skipped", "Plain": "skipped", "Keys,": "wrong", "Seven": "wrong", "Somebody": "skipped",
        "An": "skipped", "Places": "skipped",
    }  # fmt: skip
    problems = found["Keys,"].reason.split("; ")
    assert [problem.partition(":")[0] for problem in problems] == [
        "/v1/events/00000000000000000000000000", "/v1/users/00000000000000000000000000",
    ]  # fmt: skip
    assert found["Seven"].reason.startswith("user: UNIMPLEMENTED, event: UNIMPLEMENTED")
    assert "notification: UNAVAILABLE" in found["Seven"].reason


def test_a_gateway_that_is_away_makes_every_check_say_so():
    verdicts = [each.verdict for each in smoke(Visit("https://127.0.0.1:1", arrival_seconds=0))]
    assert len(verdicts) == len(CHECKS)
    assert set(verdicts) <= {"wrong", "skipped", "ok"}
    assert verdicts.count("wrong") >= 3


class Answering(BaseHTTPRequestHandler):
    status, location, body = 200, "", b"{}"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(self.status)
        if self.location:
            self.send_header("location", self.location)
        self.end_headers()
        self.wfile.write(self.server.bodies.pop(0) if self.server.bodies else self.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(tmp_path):
    """`serve(days, status, location)`: port of a server, over TLS with a certificate valid for `days`, else without."""
    running = []

    def start(days=None, name=NAME, bodies=(), **changes):
        handler = type("Handler", (Answering,), changes)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.asked, server.bodies = [], list(bodies)
        server.handle_error = lambda *_: None
        if days is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate(tmp_path, name, days))
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def certificate(folder, name, days):
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody who signs")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "tls.crt", folder / "tls.key"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return shown, secret


def at(server, tmp_path, **options):
    given = {"name": NAME, "certificate": str(tmp_path / "tls.crt"), **options}
    return Visit(f"https://127.0.0.1:{server.server_port}", **given)


def test_the_gateways_own_certificate_is_believed_when_it_is_the_one_given(serve, tmp_path):
    visit = at(serve(days=60), tmp_path)
    certificate_is_valid(visit)
    assert visit.ask("GET", "/v1/nothing") == (200, {})


@pytest.mark.parametrize(
    ("days", "options", "said"),
    [
        (3, {}, "valid for only 3.0 more days"),
        (-1, {}, "certificate has expired"),
        (60, {"name": "other.example"}, "Hostname mismatch"),
        (60, {"certificate": ""}, "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_will_not_do_is_told_with_the_reason(days, options, said, serve, tmp_path):
    with pytest.raises(Wrong, match=said):
        certificate_is_valid(at(serve(days=days), tmp_path, **options))


def test_plain_http_on_the_port_for_tls_gets_no_answer(serve, tmp_path):
    plain_http_is_refused(at(serve(days=60), tmp_path))


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ({"status": 200}, True),
        ({"status": 404}, True),
        ({"status": 301, "location": "http://tickets.example/"}, True),
        ({"status": 301, "location": "https://tickets.example/"}, False),
        ({"status": 400}, False),
    ],
)
def test_plain_http_may_only_lead_to_https(answer, wrong, serve, tmp_path):
    server = serve(**answer)
    visit = at(server, tmp_path)
    if wrong:
        with pytest.raises(Wrong, match=f"answers {answer['status']} without TLS"):
            plain_http_is_refused(visit)
    else:
        plain_http_is_refused(visit)
    assert server.asked


def test_without_tls_there_is_nothing_to_look_at():
    with pytest.raises(Skipped):
        certificate_is_valid(Visit("http://127.0.0.1:1", outside="http://127.0.0.1:2"))


def test_the_newest_mail_is_read_from_mailpit(serve):
    found, message = {"messages": [{"ID": "abc"}]}, {"ID": "abc", "Text": "your code"}
    server = serve(bodies=[json.dumps(each).encode() for each in (found, message, {"messages": []})])
    newest = mailpit(f"http://127.0.0.1:{server.server_port}")
    assert newest("a@example.org") == "your code"
    assert server.asked == ["/api/v1/search?query=to%3A%22a%40example.org%22&limit=1", "/api/v1/message/abc"]
    assert newest("b@example.org") is None
