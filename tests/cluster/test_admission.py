"""The API server takes what the chart makes: strictly, with every combination of switches, and within quotas."""

import json
import re

import pytest
from cluster import CommandFailed
from cluster_costs import asked, range_of
from helm_chart import ENVIRONMENTS, NAMESPACE, render
from switches import all_pairs

DRY = ("--dry-run=server", "--namespace", NAMESPACE)
NEEDED = {
    "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy", "PodDisruptionBudget", "Pod",
    "PriorityClass", "Service", "ServiceAccount", "StatefulSet", "Gateway", "HTTPRoute", "Certificate", "ScaledObject",
    "ExternalSecret", "ServiceMonitor", "PrometheusRule",
}  # fmt: skip
# A refusal by the chart itself, in words, and by its schema; anything else is an accident.
IN_WORDS = re.compile(r"execution error at \(usher/templates/[^)]+\): \w|don't meet the specifications of the schema")


@pytest.fixture(scope="module")
def made(combinations):
    """What was rendered for each environment."""
    return [each.result() for each in combinations.values()]


def test_what_the_chart_refuses_it_refuses_in_words(made):
    assert [why for each in made for _, why in each.refused if not IN_WORDS.search(why)] == []


def test_hardly_anything_is_refused(made):
    """What is: engines of the release outside dev, and pairs that contradict each other."""
    for each in made:
        pairs = [row for row, _ in each.refused if len(row) == 2]
        assert len(pairs) <= len(all_pairs(each.choices)) // 20, pairs
        assert len(each.taken) > 2 * len(each.choices)


def test_the_server_takes_every_combination_strictly_and_without_a_warning(cluster, made, timed):
    cluster.make_namespace(NAMESPACE)
    taken = [(row, objects) for each in made for row, objects in each.taken]
    for row, objects in taken:
        names = [(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in objects]
        assert len(names) == len(set(names)), row
    unique = {json.dumps(each, sort_keys=True): each for _, objects in taken for each in objects}
    assert {each["kind"] for each in unique.values()} >= NEEDED
    with timed(f"{len(taken)} combinations, {len(unique)} different objects, tried at the server"):
        said = cluster.apply(unique.values(), *DRY)
    lines = said.splitlines()
    assert [line for line in lines if not line.endswith("serverside-applied (server dry run)")] == []
    assert len(lines) == len(unique)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_misspelt_field_is_refused(environment, cluster):
    cluster.make_namespace(NAMESPACE)
    (booking,) = (
        each
        for each in render(environment)
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "usher-booking"
    )
    booking["spec"]["template"]["spec"]["terminationGracePeriod"] = 3
    with pytest.raises(CommandFailed, match="terminationGracePeriod"):
        cluster.apply([booking], *DRY)


def quota(namespace, amount, pods):
    hard = {
        "requests.cpu": f"{amount.cores}", "requests.memory": f"{amount.gib}Gi", "pods": str(pods),
        "requests.storage": f"{amount.disk}Gi",
    }  # fmt: skip
    limits = {"type": "Container", "min": {"cpu": "10m", "memory": "16Mi"}, "max": {"memory": "2Gi"}}
    metadata = {"name": "usher", "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limits]}},
    ]


def test_a_quota_of_what_the_cost_table_says_holds_the_whole_of_dev(cluster, timed):
    """Each container says what it asks for: a namespace with quotas refuses one that does not."""
    namespace = cluster.make_namespace("with-quotas")
    objects = render("dev")
    least, _ = range_of(objects)
    jobs = [asked(each) for each in objects if each["kind"] == "Job"]  # which run beside them
    hold = quota(namespace, sum(jobs, least), least.pods + len(jobs))
    cluster.apply(hold, "--dry-run=server")
    cluster.apply(hold)
    with timed("dev, installed within its quota"):
        cluster.install("dev", namespace=namespace)
    (used,) = cluster.objects("resourcequota", namespace)
    assert int(used["status"]["used"]["pods"]) >= least.pods
    cluster.helm("uninstall", "usher", "--wait", namespace=namespace)


def test_a_quota_that_is_too_small_makes_the_release_fail_and_leaves_nothing(cluster):
    namespace = cluster.make_namespace("too-small")
    least, _ = range_of(render("dev"))
    cluster.apply(quota(namespace, least, 5))
    with pytest.raises(CommandFailed) as failed:
        cluster.install("dev", "--rollback-on-failure", "--timeout", "15s", namespace=namespace)
    assert "uninstalled" in failed.value.said, failed.value.said
    cluster.eventually("nothing is left", lambda: cluster.objects("deployments", namespace) == [])
    events = cluster.objects("events", namespace, "--field-selector", "reason=FailedCreate")
    assert any("exceeded quota: usher" in each["message"] for each in events)
