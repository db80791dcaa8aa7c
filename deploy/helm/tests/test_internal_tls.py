"""With `tls.internal` gateway and services prove who they are, and take calls of those alone whom the edges name."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml
from helm_chart import CHART, ChartRefused, helm, own_values, render

from environment import read
from gateway_config.__main__ import assemble
from grpc_runtime.health import LIVENESS
from testkit.certificates import Authority

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")
EDGES = yaml.safe_load((CHART / "files" / "edges.yaml").read_text())
ON = ("internal tls", "internal tls by hand", "internal tls of an issuer")


def host(component):
    return f"usher-{component}.usher.svc.cluster.local"


def own_certificates(objects, find):
    """Secret → what is asked for it; the one that callers from outside see is another."""
    found = find(objects, "Certificate").values()
    return {each["spec"]["secretName"]: each["spec"] for each in found if each["metadata"]["name"] != "usher-gateway"}


def environ(pod):
    return {each["name"]: each.get("value", "from a secret") for each in pod["containers"][0]["env"]}


def mounted(pod):
    """Path in the container → (Secret, key)."""
    (container,) = pod["containers"]
    places = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    return {
        f"{places[volume['name']]}/{item['path']}": (volume["secret"]["secretName"], item["key"])
        for volume in pod["volumes"]
        if "secret" in volume
        for item in volume["secret"].get("items", [])
    }


def test_a_service_that_nobody_may_call_is_refused_for_an_empty_list_lets_everybody_in(tmp_path):
    chart = Path(shutil.copytree(CHART, tmp_path / "usher"))
    kept = [{**edge, "to": [name for name in edge["to"] if name != "search"]} for edge in EDGES]
    (chart / "files" / "edges.yaml").write_text(yaml.safe_dump([edge for edge in kept if edge["to"]]))
    with pytest.raises(ChartRefused, match="lets no component call search"):
        helm("template", "usher", str(chart), values=[own_values("prod"), {"tls": {"internal": {"enabled": True}}}])
    helm("template", "usher", str(chart), values=[own_values("prod")])


@pytest.mark.parametrize("switch", ON)
def test_each_component_has_a_certificate_of_its_own_where_its_settings_look(switch, rendered, pods):
    for name in SERVICES:
        pod = pods(rendered("prod", switch))[f"Deployment usher-{name}"]
        for variable, key in (("CERT", "tls.crt"), ("KEY", "tls.key"), ("CA", "ca.crt")):
            place = environ(pod)[f"USHER_TLS_{variable}_FILE"]
            assert mounted(pod)[place] == (f"usher-{name}-internal-tls", key)
    gateway = mounted(pods(rendered("prod", switch))["Deployment usher-gateway"])
    assert {secret for secret, _ in gateway.values()} == {"usher-gateway-internal-tls"}


def test_a_certificate_names_what_callers_ask_for_and_is_good_for_both_sides(rendered, find):
    found = own_certificates(rendered("prod", "internal tls"), find)
    authority = found.pop("usher-authority-tls")
    assert set(found) == {f"usher-{name}-internal-tls" for name in (*SERVICES, "gateway")}
    for name in (*SERVICES, "gateway"):
        spec = found[f"usher-{name}-internal-tls"]
        assert spec["dnsNames"] == [host(name)]
        assert {"server auth", "client auth"} <= set(spec["usages"])
        assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": "Issuer", "name": "usher-authority"}
        assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert authority["isCA"]
    issuers = find(rendered("prod", "internal tls"), "Issuer")
    assert issuers["usher-authority"]["spec"] == {"ca": {"secretName": "usher-authority-tls"}}
    assert issuers[authority["issuerRef"]["name"]]["spec"] == {"selfSigned": {}}


def test_another_issuer_and_certificates_by_hand_make_no_authority(rendered, find):
    objects = rendered("prod", "internal tls of an issuer")
    assert find(objects, "Issuer") == {}
    assert {each["issuerRef"]["name"] for each in own_certificates(objects, find).values()} == {"company"}
    assert own_certificates(rendered("prod", "internal tls by hand"), find) == {}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_who_may_call_is_who_the_edges_name(environment, rendered, pods):
    objects = rendered(environment, "internal tls")
    components = {*SERVICES, "gateway"}
    for name in SERVICES:
        wanted = {host(each) for edge in EDGES if name in edge["to"] for each in edge["from"] if each in components}
        told = environ(pods(objects)[f"Deployment usher-{name}"])["USHER_TLS_PEERS"]
        assert set(told.split(",")) == wanted, name


def test_probes_ask_the_port_that_tells_health_alone(rendered, pods):
    for name in SERVICES:
        (container,) = pods(rendered("prod", "internal tls"))[f"Deployment usher-{name}"]["containers"]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        assert environ({"containers": [container]})["USHER_HEALTH_PORT"] == str(ports["health"])
        assert container["startupProbe"]["grpc"] == container["readinessProbe"]["grpc"] == {"port": ports["health"]}
        assert container["livenessProbe"]["grpc"] == {"port": ports["health"], "service": LIVENESS}


def test_nobody_is_let_to_the_health_port_by_a_policy_or_a_service(rendered, find):
    objects = rendered("prod", "internal tls")
    for policy in find(objects, "NetworkPolicy").values():
        for rule in policy["spec"].get("ingress") or []:
            assert {port["port"] for port in rule["ports"]} <= {"grpc", "http", "metrics", "engine"}
    for service in find(objects, "Service").values():
        assert "health" not in {port["targetPort"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_takes_the_settings(name, rendered, pods):
    from importlib import import_module

    given = environ(pods(rendered("prod", "internal tls"))[f"Deployment usher-{name}"])
    without_wallets = {
        key: value for key, value in given.items() if not key.startswith(("USHER_APPLE", "USHER_GOOGLE"))
    }
    settings = read(import_module(f"{name}_service.settings").Settings, without_wallets)
    assert settings.tls_cert_file.startswith("/etc/usher/tls/")
    assert settings.health_port not in {settings.port, settings.metrics_port}


def test_switched_off_nothing_of_it_is_left(rendered, find, pods):
    objects = rendered("prod")
    assert own_certificates(objects, find) == {}
    for name in SERVICES:
        given = environ(pods(objects)[f"Deployment usher-{name}"])
        assert {given[each] for each in given if each.startswith(("USHER_TLS", "USHER_HEALTH"))} == {""}
    assert set(find(objects, "ConfigMap", "usher-gateway")["data"]) == {"envoy.yaml"}


def test_the_gateway_shows_its_certificate_to_services_and_envoy_takes_that(rendered, find, tmp_path):
    assemble(tmp_path / "srv")
    data = find(rendered("prod", "internal tls"), "ConfigMap", "usher-gateway")["data"]
    Authority().certify(tmp_path / "tls", host("gateway"))
    for name, text in data.items():
        placed = text.replace("/srv/gateway", str(tmp_path / "srv")).replace("/etc/gateway/", f"{tmp_path}/")
        (tmp_path / name).write_text(placed.replace("/etc/usher/tls", str(tmp_path / "tls")))
    clusters = {each["name"]: each for each in yaml.safe_load(data["envoy.yaml"])["static_resources"]["clusters"]}
    assert {name for name, each in clusters.items() if "transport_socket" in each} == set(SERVICES)
    program = Path(sysconfig.get_path("scripts")) / "envoy"
    command = [program, "--mode", "validate", "-c", tmp_path / "envoy.yaml", "--disable-hot-restart"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_certificate_that_is_renewed_after_its_end_is_refused():
    wrong = {"tls": {"internal": {"enabled": True, "certManager": {"hours": 24, "renewHoursBefore": 24}}}}
    with pytest.raises(ChartRefused, match="renewHoursBefore has to be less than hours"):
        render("prod", wrong)
