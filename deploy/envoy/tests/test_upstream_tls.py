"""Where services ask for certificates, the gateway shows its own, and speaks to those alone that prove who they are."""

import json
import re
import time
from pathlib import Path

import httpx
import pytest
import yaml

from gateway_config import TEMPLATE
from grpc_runtime import Identity
from grpc_runtime.identity import server_credentials
from testkit.certificates import Authority

FOLDER = TEMPLATE.parent
SERVICE, GATEWAY = "localhost", "gateway.example"


def secured(folder):
    """The template as the chart changes it where `tls.internal` is on, over certificates in `folder`."""
    socket = (FOLDER / "upstream-tls.yaml").read_text().replace("/etc/gateway", str(folder.parent))
    for name in ("upstream-certificate.yaml", "upstream-authority.yaml"):
        (folder.parent / name).write_text((FOLDER / name).read_text().replace("/etc/usher/tls", str(folder)))
    in_one_line = json.dumps(yaml.safe_load(socket))
    text = TEMPLATE.read_text()
    text = text.replace(
        "type: STRICT_DNS", f"type: STRICT_DNS\n      dns_lookup_family: V4_ONLY\n      transport_socket: {in_one_line}"
    )
    return f"node: {{id: gateway, cluster: usher}}\n{text}"


@pytest.fixture
def start(tmp_path, start_gateway_once):
    """`start(services, gateway)`: both with these certificates."""

    def of(services, gateway, **options):
        credentials = server_credentials(Identity(services.certificate, services.key, services.authority))
        hosts = {f"{name}_HOST": SERVICE for name in re.findall(r"@([A-Z]+)_HOST@", TEMPLATE.read_text())}
        (tmp_path / "run").mkdir()
        return start_gateway_once(
            tmp_path / "run", template=secured(gateway.folder), credentials=credentials, **hosts, **options
        )

    return of


def test_calls_go_through_with_certificates_on_both_sides_and_after_both_were_renewed(tmp_path, start, other_services):
    """The authority is another one afterwards, so whoever had kept something old could no longer connect."""
    authority = Authority()
    services = authority.certify(tmp_path / "services", SERVICE)
    gateway = authority.certify(tmp_path / "gateway", GATEWAY)
    with start(services, gateway) as running, httpx.Client(base_url=running.url) as client:
        assert client.get("/v1/events/x").status_code == 200
        assert [call.rpc for call in running.services.calls] == ["GetEvent"]
        successor = Authority("Next CA")
        renewed = successor.certify(tmp_path / "renewed", SERVICE)
        successor.certify(gateway.folder, GATEWAY)
        running.services.stop()
        credentials = server_credentials(Identity(renewed.certificate, renewed.key, renewed.authority))
        with other_services(running.upstream, credentials) as (_, asked):
            wait_for(lambda: client.get("/v1/events/x").status_code == 200)
        assert {call.rpc for call in asked.calls} == {"GetEvent"}


@pytest.mark.parametrize("flaw", ["gateway of another authority", "services of another authority", "other name"])
def test_without_proof_of_either_side_nothing_goes_through(tmp_path, start, flaw):
    """INVARIANT: a service answers only the gateway it knows, and the gateway asks only the service it looked up."""
    authority, other = Authority(), Authority("Another CA")
    trusted = authority.certify(tmp_path / "trusted", GATEWAY)
    services, gateway = (
        authority.certify(tmp_path / "services", SERVICE),
        authority.certify(tmp_path / "gateway", GATEWAY),
    )
    if flaw == "gateway of another authority":
        forged = other.certify(tmp_path / "forged", GATEWAY)
        copy(forged.certificate, gateway.certificate)
        copy(forged.key, gateway.key)
    elif flaw == "services of another authority":
        services = other.certify(tmp_path / "foreign", SERVICE)
        copy(trusted.authority, services.authority)
    else:
        services = authority.certify(tmp_path / "misnamed", "elsewhere.example", loopback=False)
    with start(services, gateway, ready=False) as running:
        answer = httpx.get(f"{running.url}/v1/events/x")
        assert answer.status_code == 503
        assert answer.json()["details"][0]["reason"] == "SERVICE_UNAVAILABLE"
        assert running.services.calls == []


def copy(source: Path, target: Path) -> None:
    target.resolve().write_bytes(source.read_bytes())


def wait_for(holds):
    """A replica that was away is tried again within seconds."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
