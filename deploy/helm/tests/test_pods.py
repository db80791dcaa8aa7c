"""Pods run without rights, on a root they cannot write to, with room asked for, and finish what they have in hand."""

from pathlib import Path

import pytest
import yaml
from helm_chart import ENVIRONMENTS, over, own_values

from grpc_runtime.health import LIVENESS
from grpc_runtime.process import CLOSING_SECONDS
from usher_cli.release.policies import findings

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")


def containers(pod):
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_no_pod_asks_for_more_than_a_release_may_pod_security_restricted_included(objects, pods):
    assert len(pods(objects)) >= 10
    assert findings(objects) == []


def test_no_root_is_written_to_and_no_pod_has_a_token_of_the_api_server(objects, pods):
    for name, pod in pods(objects).items():
        assert pod["automountServiceAccountToken"] is False, name
        for each in containers(pod):
            assert each["securityContext"]["readOnlyRootFilesystem"] is True, (name, each["name"])
    accounts = [each for each in objects if each["kind"] == "ServiceAccount"]
    assert {each["automountServiceAccountToken"] for each in accounts} == {False}


def test_every_container_says_what_it_needs_and_how_much_memory_it_gets_at_most(objects, pods):
    for name, pod in pods(objects).items():
        for each in containers(pod):
            resources = each["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), (name, each["name"])
            assert memory(resources["requests"]["memory"]) <= memory(resources["limits"]["memory"])


def memory(text):
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_services_are_probed_over_grpc_and_restarted_only_when_the_process_hangs(environment, rendered, pods):
    for name in SERVICES:
        (container,) = pods(rendered(environment))[f"Deployment usher-{name}"]["containers"]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        environ = {each["name"]: each.get("value") for each in container["env"]}
        assert (str(ports["grpc"]), str(ports["metrics"])) == (
            environ["USHER_GRPC_PORT"],
            environ["USHER_METRICS_PORT"],
        )
        assert environ["USHER_GRPC_HOST"] == "0.0.0.0", "the kubelet and other pods come from outside"
        for probe in ("startupProbe", "readinessProbe"):
            assert container[probe]["grpc"] == {"port": ports["grpc"]}
        assert container["livenessProbe"]["grpc"] == {"port": ports["grpc"], "service": LIVENESS}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_pod_is_given_longer_than_sleeping_draining_and_closing_take(environment, rendered, pods):
    for name in SERVICES:
        pod = pods(rendered(environment))[f"Deployment usher-{name}"]
        (container,) = pod["containers"]
        sleeps = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        (drains,) = (float(each["value"]) for each in container["env"] if each["name"] == "USHER_DRAIN_SECONDS")
        assert pod["terminationGracePeriodSeconds"] > sleeps + drains + CLOSING_SECONDS
    gateway = pods(rendered(environment))["Deployment usher-gateway"]
    *_, drains = gateway["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert gateway["terminationGracePeriodSeconds"] > int(drains)


def test_a_pod_in_staging_and_prod_sleeps_until_the_gateway_has_looked_names_up_again(rendered, pods):
    """Envoy looks up names every 5 s (dns_refresh_rate), and names are kept for as long (CoreDNS)."""
    for environment in ("staging", "prod"):
        for name in SERVICES:
            container = pods(rendered(environment))[f"Deployment usher-{name}"]["containers"][0]
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] > 10


def test_what_a_service_mounts_is_where_its_settings_look(rendered, pods):
    (payment,) = pods(rendered("prod"))["Deployment usher-payment"]["containers"]
    mounted = {each["mountPath"] for each in payment["volumeMounts"]}
    looks = [each["value"] for each in payment["env"] if each["name"] == "USHER_GATEWAYS_FILE"]
    assert {str(Path(path).parent) for path in looks} < mounted


def test_prod_keeps_working_without_a_zone(rendered, find):
    objects = rendered("prod")
    values = over(own_values(), own_values("prod"))
    for name, deployment in find(objects, "Deployment").items():
        scaled = find(objects, "HorizontalPodAutoscaler").get(name) or find(objects, "ScaledObject")[name]
        least = scaled["spec"].get("minReplicas", scaled["spec"].get("minReplicaCount"))
        assert least >= 3, name
        spread = {
            each["topologyKey"]: each for each in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        }
        assert spread["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "DoNotSchedule"
        assert spread["topology.kubernetes.io/zone"]["nodeTaintsPolicy"] == "Honor"  # or a drained zone still counts
        assert find(objects, "PodDisruptionBudget", name)["spec"]["maxUnavailable"] < least
    assert values["topics"]["copies"] == 3


def test_the_gateways_pods_are_replaced_when_its_configuration_changes(rendered, find):
    annotation = {
        environment: find(rendered(environment), "Deployment", "usher-gateway")["spec"]["template"]["metadata"][
            "annotations"
        ]
        for environment in ENVIRONMENTS
    }
    assert len({yaml.safe_dump(each) for each in annotation.values()}) == 3
