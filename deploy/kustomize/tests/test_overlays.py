"""What is said once reaches everything; what changes replaces pods; nothing lands in another namespace."""

import os
import re

import pytest
import yaml
from helm_chart import CHART
from kustomize_build import KUSTOMIZE, OVERLAYS, RULES, build, overlay, rules
from meaning import Sources, by_name, envoy_configuration, pod_of

EVERYWHERE = {"PriorityClass"}


def own(folder, text):
    """A kustomization somewhere else, its paths into this repository mended."""
    folder.mkdir()
    root = os.path.relpath(KUSTOMIZE.parent, folder.resolve())
    (folder / "kustomization.yaml").write_text(text.replace("../deploy", root))
    return folder


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The overlay of one's own that the documentation shows."""
    ((text),) = re.findall(r"```yaml\n(.*?)```", (KUSTOMIZE / "README.md").read_text(), re.DOTALL)
    return build(own(tmp_path_factory.mktemp("own") / "own", text))


def test_everything_is_in_the_namespace_of_its_environment(environment, built):
    found = {each["metadata"].get("namespace") for each in built(environment) if each["kind"] not in EVERYWHERE}
    assert found == {f"usher-{environment}"}


def test_the_base_is_seven_services_and_a_gateway_of_the_charts_version(built):
    objects = build(KUSTOMIZE / "base")
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    pods = [(each["metadata"]["name"], pod_of(each)) for each in objects if each["kind"] == "Deployment"]
    images = {name: pod["containers"][0]["image"] for name, pod in pods}
    services = ("user", "event", "booking", "payment", "notification", "search", "analytics", "gateway")
    assert images == {f"usher-{name}": f"registry.example/usher/usher-{name}:{version}" for name in services}
    deployment = by_name(objects)["Deployment", "usher-booking"]
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == version


def test_a_changed_setting_replaces_the_pods_that_read_it_and_no_others(built, tmp_path):
    text = """
resources: [../deploy/kustomize/overlays/staging]
configMapGenerator: [{name: usher-booking, behavior: merge, literals: [USHER_HOLD_SECONDS=300]}]
"""
    before, after = by_name(built("staging")), by_name(build(own(tmp_path / "own", text)))
    changed = [name for (kind, name), each in after.items() if kind == "Deployment" and each != before[kind, name]]
    assert changed == ["usher-booking"]


def test_an_overlay_of_ones_own_says_namespace_and_address_once(example):
    text = yaml.safe_dump_all(example)
    assert "usher-prod" not in text.replace("usher-prod/", "")
    kept = ("tickets@usher.example", "https://usher.example/operations/runbooks")
    assert "usher.example" not in text.replace(kept[0], "").replace(kept[1], "")
    found, sources = by_name(example), Sources(example)
    (container,) = pod_of(found["Deployment", "usher-payment"])["containers"]
    settings = sources.environment(container)
    assert settings["USHER_PUBLIC_URL"] == settings["USHER_TOKEN_ISSUER"] == "https://tickets.example.org"
    assert settings["USHER_BOOKING_TARGET"] == "usher-booking.tickets.svc.cluster.local:8080"
    assert found["HTTPRoute", "usher-gateway"]["spec"]["hostnames"] == ["tickets.example.org"]
    assert found["Certificate", "usher-gateway"]["spec"]["dnsNames"] == ["tickets.example.org"]
    assert found["Gateway", "usher-gateway"]["spec"]["listeners"][0]["hostname"] == "tickets.example.org"
    assert found["ExternalSecret", "usher-mongodb"]["spec"]["data"][0]["remoteRef"]["key"] == "tickets/usher-mongodb"
    envoy = yaml.safe_dump(envoy_configuration(example))
    assert "usher-booking.tickets.svc.cluster.local" in envoy
    assert "issuer: https://tickets.example.org" in envoy


def test_an_overlay_of_ones_own_takes_its_own_images_and_a_job_of_its_version(example):
    images = {container["image"] for each in example if (pod := pod_of(each)) for container in pod["containers"]}
    assert len(images) == 8
    assert all(re.fullmatch(r"ghcr\.io/example/usher-\w+:1\.2\.3", image) for image in images)
    assert [each["metadata"]["name"] for each in example if each["kind"] == "Job"] == ["usher-topics-1.2.3"]


def test_the_alerts_are_those_of_the_chart():
    assert RULES.read_text() == rules(), "python tools/kustomize_build.py"


def test_every_dashboard_of_the_chart_is_one_of_the_overlays():
    """A kustomization names its files one by one."""
    listed = {each["metadata"]["name"] for each in build(CHART / "files")}
    assert listed == {f"usher-dashboard-{path.stem}" for path in CHART.glob("files/dashboards/*.json")}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_ends_with_the_wiring(name):
    assert yaml.safe_load((overlay(name) / "kustomization.yaml").read_text())["transformers"] == ["../../base/wiring"]
