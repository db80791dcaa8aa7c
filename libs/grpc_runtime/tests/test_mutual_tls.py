"""Services prove to each other who they are, and certificates are renewed under them."""

import asyncio
import ssl
import time

import grpc
import grpc.aio
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from domain_kit.refusals import PermissionDenied, Unavailable
from grpc_runtime import Identity, Service, identity, open_channel
from grpc_runtime.probe import problem
from testkit.calls import CallSettings, calls_to
from testkit.certificates import Authority

SERVER, FRIEND, STRANGER = "booking.example", "payment.example", "search.example"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(autouse=True)
def _renewals_are_noticed_at_once(monkeypatch):
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.0)


def known_as(certified):
    return Identity(certified.certificate, certified.key, certified.authority)


def settings_of(certified, **more):
    return CallSettings(
        tls_cert_file=str(certified.certificate),
        tls_key_file=str(certified.key),
        tls_ca_file=str(certified.authority),
        health_port=0,
        **more,
    )


@pytest.fixture
def server(authority, tmp_path):
    """What the server shows."""
    return authority.certify(tmp_path / "server", SERVER)


@pytest.fixture
async def secured(contract, jars, server):
    """A server that takes calls of FRIEND alone, beside its own."""
    service = Service(servicers=[(contract.add_to_server, jars)])
    async with calls_to(service, settings_of(server, tls_peers=(SERVER, FRIEND))) as calls:
        yield calls


@pytest.fixture
def peek(contract, secured):
    """`await peek(identity)`: calls the server as somebody."""

    async def call(somebody):
        async with open_channel(secured.address, identity=somebody) as channel:
            return await contract.stub(channel).PeekJar(contract.Jar(name="jars/a"), timeout=5)

    return call


async def test_a_peer_that_may_call_gets_an_answer(authority, peek, tmp_path):
    assert (await peek(known_as(authority.certify(tmp_path / "friend", FRIEND)))).name == "jars/a"


async def test_who_has_no_certificate_gets_none(secured, contract, jars, authority):
    """INVARIANT: nothing a service does is reached without a certificate, neither plainly nor over TLS."""
    credentials = grpc.ssl_channel_credentials(authority.pem)
    for channel in (
        grpc.aio.insecure_channel(secured.address),
        grpc.aio.secure_channel(secured.address, credentials),
    ):
        async with channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await contract.stub(channel).PeekJar(contract.Jar(name="jars/a"), timeout=2)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            with pytest.raises(grpc.aio.AioRpcError):
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
    assert jars.contexts == []


async def test_a_certificate_of_another_authority_is_refused_by_the_server(authority, peek, jars, tmp_path):
    other = Authority("Another CA").certify(tmp_path / "other", FRIEND)
    # It trusts the right one, so that the server alone has a reason to refuse.
    mixed = Identity(other.certificate, other.key, authority.certify(tmp_path / "friend", FRIEND).authority)
    with pytest.raises(Unavailable):
        await peek(mixed)
    assert jars.contexts == []


async def test_a_server_of_another_authority_is_refused_by_its_caller(authority, peek, jars, tmp_path):
    own = authority.certify(tmp_path / "friend", FRIEND)
    other = Authority("Another CA").certify(tmp_path / "other", FRIEND)
    with pytest.raises(Unavailable):
        await peek(Identity(own.certificate, own.key, other.authority))
    assert jars.contexts == []


async def test_a_server_under_another_name_is_refused_by_its_caller(authority, contract, jars, tmp_path):
    """The address that is called has to stand in the certificate."""
    friend = known_as(authority.certify(tmp_path / "friend", FRIEND))
    elsewhere = authority.certify(tmp_path / "elsewhere", SERVER, loopback=False)
    service = Service(servicers=[(contract.add_to_server, jars)])
    async with (
        calls_to(service, settings_of(elsewhere)) as calls,
        open_channel(calls.address, identity=friend) as channel,
    ):
        with pytest.raises(Unavailable):
            await contract.stub(channel).PeekJar(contract.Jar(name="jars/a"), timeout=2)
    assert jars.contexts == []


async def test_a_peer_that_has_no_business_here_is_told_so(authority, peek, jars, tmp_path):
    with pytest.raises(PermissionDenied) as caught:
        await peek(known_as(authority.certify(tmp_path / "stranger", STRANGER)))
    assert caught.value.reason == "PEER_NOT_ALLOWED"
    assert jars.contexts == []


async def test_a_renewed_certificate_is_served_without_a_restart_and_calls_under_way_go_on(
    authority, server, secured, contract, jars, tmp_path
):
    friend = known_as(authority.certify(tmp_path / "friend", FRIEND))
    released = asyncio.Event()

    async def wait(request, context):
        await released.wait()
        return request

    jars.behaviour = wait
    async with open_channel(secured.address, identity=friend) as channel:
        under_way = asyncio.ensure_future(contract.stub(channel).PeekJar(contract.Jar(name="jars/a"), timeout=20))
        await jars.entered.wait()
        before = await shown(secured.address)
        authority.certify(server.folder, SERVER)
        after = await shown(secured.address)
        assert before != after == server.certificate.read_text()
        released.set()
        assert (await under_way).name == "jars/a"


async def test_a_channel_that_is_open_connects_again_with_the_certificate_of_a_new_authority(
    authority, server, contract, jars, tmp_path
):
    """gRPC keeps what a channel was opened with, so with the old certificate it could never connect again."""
    service = Service(servicers=[(contract.add_to_server, jars)])
    friend = authority.certify(tmp_path / "friend", FRIEND)
    async with calls_to(service, settings_of(server)) as calls:
        channel = open_channel(calls.address, identity=known_as(friend))
        stub = contract.stub(channel)
        await stub.PeekJar(contract.Jar(name="jars/a"))
    successor = Authority("Next CA")
    for certified, name in ((server, SERVER), (friend, FRIEND)):
        successor.certify(certified.folder, name)
    async with channel, calls_to(service, settings_of(server, port=int(calls.address.rpartition(":")[2]))):
        assert (await stub.PeekJar(contract.Jar(name="jars/a"), timeout=5)).name == "jars/a"


async def test_while_one_authority_follows_another_certificates_of_both_are_good(
    authority, server, peek, secured, tmp_path
):
    successor = Authority("Next CA")
    old, new = authority.certify(tmp_path / "old", FRIEND), successor.certify(tmp_path / "new", FRIEND)
    for certified in (server, new):
        certified.authority.resolve().write_bytes(authority.pem + successor.pem)
    for friend in (old, new):
        assert (await peek(known_as(friend))).name == "jars/a"


async def test_a_renewal_that_does_not_fit_together_is_passed_over(authority, secured, server, peek, tmp_path, caplog):
    friend = known_as(authority.certify(tmp_path / "friend", FRIEND))
    before = await shown(secured.address)
    other = authority.certify(tmp_path / "other", SERVER)
    whole = server.certificate.read_bytes()
    server.certificate.resolve().write_bytes(other.certificate.read_bytes())
    assert await shown(secured.address) == before
    assert (await peek(friend)).name == "jars/a"
    assert "renewed certificate passed over" in caplog.text
    assert "BEGIN" not in caplog.text
    server.certificate.resolve().write_bytes(whole)
    assert await shown(secured.address) == before


def test_files_are_looked_at_no_more_than_once_a_second(authority, tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "LOOK_SECONDS", 1.0)
    certified = authority.certify(tmp_path / "friend", FRIEND)
    mine, now = known_as(certified), time.monotonic()
    authority.certify(certified.folder, FRIEND)
    monkeypatch.setattr(identity.time, "monotonic", lambda: now + 0.5)
    assert mine.current().certificate != certified.certificate.read_bytes()
    monkeypatch.setattr(identity.time, "monotonic", lambda: now + 1.5)
    assert mine.current().certificate == certified.certificate.read_bytes()


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
@pytest.mark.parametrize("flaw", ["missing", "empty", "of another"])
def test_without_certificate_key_and_ca_that_can_be_used_nothing_starts(authority, tmp_path, name, flaw):
    certified = authority.certify(tmp_path / "own", SERVER)
    file = (certified.folder / name).resolve()
    if flaw == "missing":
        file.unlink()
    elif flaw == "empty" or name == "ca.crt":
        file.write_bytes(b"")
    else:
        file.write_bytes((authority.certify(tmp_path / "other", SERVER).folder / name).read_bytes())
    with pytest.raises(ValueError, match="cannot be used: "):
        known_as(certified)


async def test_health_is_told_plainly_on_a_port_that_tells_nothing_else(secured, contract, jars):
    port = secured.server.health_port
    environ = {"USHER_HEALTH_PORT": str(port), "USHER_TLS_CERT_FILE": "/tls.crt"}
    assert await asyncio.to_thread(problem, environ) == ""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await contract.stub(channel).PeekJar(contract.Jar(name="jars/a"), timeout=2)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert jars.contexts == []


async def test_nobody_without_a_certificate_watches_health(secured):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{secured.server.health_port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Watch(health_pb2.HealthCheckRequest(), timeout=5).read()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="x" * 2000), timeout=5)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_probe_that_would_need_a_certificate_says_what_is_missing():
    assert problem({"USHER_GRPC_PORT": "1", "USHER_TLS_CERT_FILE": "/tls.crt"}) == "USHER_HEALTH_PORT is missing"


async def shown(address):
    """The certificate that a new connection is shown, PEM."""
    host, _, port = address.rpartition(":")
    return await asyncio.to_thread(ssl.get_server_certificate, (host, int(port)))


async def test_a_scrape_tells_when_the_certificate_ends(secured, server):
    ends = x509.load_pem_x509_certificate(server.certificate.read_bytes()).not_valid_after_utc.timestamp()
    name = "usher_certificate_expiry_timestamp_seconds"
    assert secured.metrics.registry.get_sample_value(name, {"certificate": "service"}) == ends
