"""The gateway in a cluster is configured as the local one, and Envoy takes it."""

import re
import socket
import ssl
import subprocess
import sysconfig
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from helm_chart import ENVIRONMENTS, over, own_values, render

from gateway_config import TEMPLATE, render_gateway, with_traces
from gateway_config.__main__ import assemble
from local_stack.gateway import gateway_values

SERVICES = ("user", "event", "booking", "payment", "notification", "search", "analytics")


def configuration(objects, find):
    return find(objects, "ConfigMap", "usher-gateway")["data"]


def document(objects, find):
    return yaml.safe_load(configuration(objects, find)["envoy.yaml"])


@pytest.fixture(scope="module")
def local():
    """What the local run writes."""
    names = [*SERVICES, *(f"{name}_metrics" for name in SERVICES), "gateway", "gateway_admin"]
    values = gateway_values(Path("/nowhere"), dict.fromkeys(names, 8080), {})
    return yaml.safe_load(render_gateway(TEMPLATE.read_text(), values))


def manager(found):
    return found["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


def neutral(found):
    """Without what is meant to differ: where files stand, limits, the issuer."""
    text = yaml.safe_dump(found)
    text = re.sub(r"(filename|proto_descriptor): \S*/(?:site/)?([\w.-]+)", r"\1: \2", text)
    text = re.sub(r"(max_tokens|tokens_per_fill|xff_num_trusted_hops): \d+", r"\1: 0", text)
    return re.sub(r"issuer: https?://\S*", "issuer: x", text)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_routes_are_those_of_the_local_run(environment, local, rendered, find):
    ours, theirs = manager(local)["route_config"], manager(document(rendered(environment), find))["route_config"]
    (here,), (there,) = ours["virtual_hosts"], theirs["virtual_hosts"]
    assert len(there["routes"]) > 40
    for one, other in zip(here["routes"], there["routes"], strict=True):
        assert neutral(other) == neutral(one)
    assert there["retry_policy"] == here["retry_policy"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_filters_and_clusters_are_those_of_the_local_run(environment, local, rendered, find):
    found = document(rendered(environment), find)
    for one, other in zip(manager(local)["http_filters"], manager(found)["http_filters"], strict=True):
        assert neutral(other) == neutral(one)
    ours = {each["name"]: each for each in local["static_resources"]["clusters"]}
    theirs = {each["name"]: each for each in found["static_resources"]["clusters"]}
    assert set(theirs) - {"traces"} == {*ours, "admin"}
    for name, here in ours.items():
        assert {**theirs[name], "load_assignment": ""} == {**here, "load_assignment": ""}


def test_every_service_is_found_by_the_name_of_all_its_replicas(rendered, find):
    objects = rendered("prod")
    for cluster in document(objects, find)["static_resources"]["clusters"]:
        if cluster["name"] not in SERVICES:
            continue
        (endpoints,) = cluster["load_assignment"]["endpoints"]
        (address,) = (each["endpoint"]["address"]["socket_address"] for each in endpoints["lb_endpoints"])
        service = find(objects, "Service", address["address"].partition(".")[0])
        assert address["address"] == f"usher-{cluster['name']}.usher.svc.cluster.local"
        assert service["spec"]["clusterIP"] == "None", "one address for all would hide the replicas"
        assert address["port_value"] in {port["port"] for port in service["spec"]["ports"]}


def test_bookings_of_one_event_meet_at_one_replica(rendered, find):
    found = document(rendered("prod"), find)
    (cluster,) = (each for each in found["static_resources"]["clusters"] if each["name"] == "booking")
    assert (cluster["type"], cluster["lb_policy"]) == ("STRICT_DNS", "RING_HASH")
    route = next(
        each for each in manager(found)["route_config"]["virtual_hosts"][0]["routes"]
        if each["match"].get("prefix") == "/usher.booking.v1.BookingService/"
    )  # fmt: skip
    assert [each["header"]["header_name"] for each in route["route"]["hash_policy"]] == [
        "x-goog-request-params", "x-envoy-original-path",
    ]  # fmt: skip


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_limits_and_origins_are_those_of_the_values(environment, rendered, find):
    values = over(own_values(), own_values(environment))
    found = manager(document(rendered(environment), find))
    (limit,) = (each["typed_config"] for each in found["http_filters"] if each["name"].endswith("local_ratelimit"))
    bucket = limit["descriptors"][0]["token_bucket"]
    gateway = values["gateway"]
    assert (bucket["max_tokens"], bucket["tokens_per_fill"]) == (gateway["requestBurst"], gateway["requestsPerSecond"])
    routes = found["route_config"]["virtual_hosts"][0]["routes"]
    guarded = [each.get("typed_per_filter_config", {}).get("envoy.filters.http.local_ratelimit") for each in routes]
    buckets = [each["descriptors"][0]["token_bucket"] for each in guarded if each and each["stat_prefix"] == "accounts"]
    assert {(each["max_tokens"], each["tokens_per_fill"]) for each in buckets} == {
        (gateway["accountBurst"], gateway["accountRequestsPerMinute"])
    }
    assert found["xff_num_trusted_hops"] == gateway["trustedHops"]
    host = found["route_config"]["virtual_hosts"][0]
    (origins,) = host["typed_per_filter_config"]["envoy.filters.http.cors"]["allow_origin_string_match"]
    assert origins["safe_regex"]["regex"] == gateway["allowedOrigins"]


@pytest.mark.parametrize(("memory", "bytes_"), [("512Mi", 429496729), ("2Gi", 1717986918)])
def test_envoy_refuses_before_its_container_has_no_memory_left(memory, bytes_, find):
    change = {"components": {"gateway": {"resources": {"limits": {"memory": memory}}}}}
    found = document(render("prod", change), find)
    monitors = {
        each["name"].rpartition(".")[2]: each["typed_config"] for each in found["overload_manager"]["resource_monitors"]
    }
    assert int(monitors["fixed_heap"]["max_heap_size_bytes"]) == bytes_
    (metrics,) = (each for each in found["static_resources"]["listeners"] if each["name"] == "metrics")
    assert metrics["bypass_overload_manager"] is True


@pytest.mark.parametrize("switch", ["gateway api", "load balancer", "not exposed"])
def test_envoy_itself_takes_the_configuration(switch, rendered, find, tmp_path):
    assemble(tmp_path / "srv")
    data = configuration(rendered("prod", switch), find)
    assert ("tls.yaml" in data) == (switch == "load balancer")
    for name, text in data.items():
        placed = text.replace("/srv/gateway", str(tmp_path / "srv")).replace("/etc/gateway/", f"{tmp_path}/")
        (tmp_path / name).write_text(placed)
    program = Path(sysconfig.get_path("scripts")) / "envoy"
    command = [program, "--mode", "validate", "-c", tmp_path / "envoy.yaml", "--disable-hot-restart"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]


def test_over_tls_a_running_gateway_answers_callers_and_itself(rendered, find, tmp_path):
    """The keys that verify tokens are fetched from the gateway's own port, which speaks TLS then."""
    assemble(tmp_path / "srv")
    own_certificate(tmp_path / "tls")
    port, admin, metrics = free_ports(3)
    for name, text in configuration(rendered("prod", "load balancer"), find).items():
        placed = text
        for old, new in (
            ("/srv/gateway", str(tmp_path / "srv")),
            ("/etc/gateway-tls", str(tmp_path / "tls")),
            ("/etc/gateway/", f"{tmp_path}/"),
            ('"port_value": 9901', f'"port_value": {admin}'),
            ('"port_value": 9090', f'"port_value": {metrics}'),
            ("0.0.0.0", "127.0.0.1"),
            ('"transport_socket_connect_timeout": "10s"', '"transport_socket_connect_timeout": "1s"'),
        ):
            placed = placed.replace(old, new)
        (tmp_path / name).write_text(re.sub(r'("127.0.0.1",\s+"port_value"): 8080', rf"\1: {port}", placed))
    program = Path(sysconfig.get_path("scripts")) / "envoy"
    with (tmp_path / "log").open("wb") as log:
        command = [program, "-c", tmp_path / "envoy.yaml", "--disable-hot-restart", "--concurrency", "1"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "tls" / "tls.crt"))
        assert "swagger" in eventually(lambda: httpx.get(f"https://localhost:{port}/docs", verify=trusted).text)
        assert "envoy_cluster_ssl_handshake" in eventually(
            lambda: _with(httpx.get(f"http://127.0.0.1:{metrics}/metrics").text, "envoy_cluster_ssl_handshake")
        )
        assert httpx.get(f"http://127.0.0.1:{metrics}/quitquitquit").status_code == 404
        with socket.create_connection(("127.0.0.1", port), timeout=8) as silent:
            assert silent.recv(1) == b"", "who never begins the handshake is let go"
    finally:
        process.terminate()
        process.wait(10)


def _with(text, name):
    """The text, once the metric counts something of the gateway's way to itself."""
    if not re.search(rf'{name}{{envoy_cluster_name="gateway"}} [1-9]', text):
        raise LookupError(name)
    return text


def eventually(ask):
    deadline = time.monotonic() + 20
    while True:
        try:
            return ask()
        except (httpx.TransportError, LookupError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def own_certificate(folder):
    """For localhost, signed by itself."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_behind_a_load_balancer_the_gateway_speaks_tls_and_behind_a_gateway_that_one_does(rendered, find):
    for switch, secured in (("load balancer", True), ("gateway api", False), ("load balancer without tls", False)):
        objects = rendered("prod", switch)
        found = document(objects, find)
        assert ("transport_socket" in found["static_resources"]["listeners"][0]["filter_chains"][0]) is secured
        (container,) = find(objects, "Deployment", "usher-gateway")["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["scheme"] == ("HTTPS" if secured else "HTTP")
        ports = {each["name"]: each["port"] for each in find(objects, "Service", "usher-gateway")["spec"]["ports"]}
        assert ports == ({"https": 443} if secured else {"http": 80})


def test_what_a_gateway_serves_from_its_folders_is_laid_there_first(rendered, find):
    pod = find(rendered("prod"), "Deployment", "usher-gateway")["spec"]["template"]["spec"]
    (first,), (container,) = pod["initContainers"], pod["containers"]
    (folder,) = (each["mountPath"] for each in first["volumeMounts"])
    assert first["args"] == ["python", "-m", "gateway_config", folder]
    text = configuration(rendered("prod"), find)["envoy.yaml"]
    assert f'"{folder}/descriptors.binpb"' in text
    assert f'"{folder}/site/docs.html"' in text
    assert folder in {each["mountPath"] for each in container["volumeMounts"]}


def test_the_route_of_the_gateway_api_leads_to_the_gateway_and_its_certificate_is_asked_for(find):
    objects = render("prod", {"publicUrl": "https://tickets.example.org"})
    route = find(objects, "HTTPRoute", "usher-gateway")["spec"]
    assert route["hostnames"] == ["tickets.example.org"]
    ((backend,),) = (rule["backendRefs"] for rule in route["rules"])
    assert backend["port"] in {each["port"] for each in find(objects, "Service", backend["name"])["spec"]["ports"]}
    (listener,) = find(objects, "Gateway", "usher-gateway")["spec"]["listeners"]
    certificate = find(objects, "Certificate", "usher-gateway")["spec"]
    assert listener["tls"]["certificateRefs"] == [{"name": certificate["secretName"]}]
    assert certificate["dnsNames"] == [listener["hostname"]]


@pytest.mark.parametrize(("environment", "percent"), [("staging", 20), ("prod", 2)])
def test_where_services_send_traces_the_gateway_decides_about_as_many(environment, percent, rendered, find):
    found = document(rendered(environment), find)
    tracing, (traces,) = (
        manager(found)["tracing"],
        (each for each in found["static_resources"]["clusters"] if each["name"] == "traces"),
    )
    assert (tracing["random_sampling"]["value"], tracing["client_sampling"]["value"]) == (percent, 0)
    address = traces["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert address == {"address": "otel-collector.monitoring", "port_value": 4317}


def test_the_gateway_traces_as_the_local_one_does(local, rendered, find):
    ours = yaml.safe_load(with_traces(yaml.safe_dump(local), "http://otel-collector.monitoring:4317", 0.2))
    theirs = document(rendered("staging"), find)
    assert manager(ours)["tracing"] == manager(theirs)["tracing"]
    named = [[each for each in of["static_resources"]["clusters"] if each["name"] == "traces"] for of in (ours, theirs)]
    assert named[0] == named[1]


def test_without_an_endpoint_the_gateway_does_not_trace(rendered, find):
    assert "tracing" not in manager(document(rendered("dev"), find))
