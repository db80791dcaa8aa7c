"""Overlays of deploy/kustomize, built by kubectl alone, are taken by the server, and their pods get ready."""

import pytest
from helm_chart import objects_of
from workspace import ROOT

OVERLAYS = sorted((ROOT / "deploy" / "kustomize" / "overlays").glob("*/kustomization.yaml"))
EACH = pytest.mark.parametrize("overlay", [path.parent for path in OVERLAYS], ids=lambda path: path.name)


# A Job cannot change, so one of another version has another name, and versions have dots.
EXPECTED = "Warning: metadata.name: this is used in Pod names and hostnames"


def built(cluster, overlay):
    return objects_of(cluster.kubectl("kustomize", str(overlay)))


def prepared(cluster, overlay):
    """Its objects, and the namespaces that they are in, which are there."""
    objects = built(cluster, overlay)
    namespaces = {each["metadata"].get("namespace") for each in objects} - {None}
    for namespace in namespaces:
        cluster.make_namespace(namespace)
    return objects, namespaces


@EACH
def test_an_overlay_is_taken_strictly_and_without_a_warning(overlay, cluster):
    objects, _ = prepared(cluster, overlay)
    told = cluster.apply(objects, "--dry-run=server").splitlines()
    said = [line for line in told if not line.startswith(EXPECTED)]
    assert [line for line in said if not line.endswith("serverside-applied (server dry run)")] == []
    assert len(said) == len(objects)


@EACH
def test_an_overlay_is_applied_gets_ready_and_is_deleted(overlay, cluster, timed):
    objects, (namespace,) = prepared(cluster, overlay)
    try:
        with timed(f"overlay {overlay.name}, applied until it is ready"):
            cluster.apply(objects)
            cluster.kubectl(
                "-n",
                namespace,
                "rollout",
                "status",
                "deployment",
                "--timeout=180s",
                "-l",
                "app.kubernetes.io/name=usher",
            )
        deployments = cluster.objects("deployments", namespace)
        assert len(deployments) >= 8  # the services and the gateway
        assert all(each["status"].get("availableReplicas") == each["spec"]["replicas"] for each in deployments)
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "-k", str(overlay))
