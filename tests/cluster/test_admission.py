"""The API server takes what the chart makes: strictly, with every combination of switches, and within quotas."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster import CommandFailed
from cluster_costs import asked, range_of
from helm_chart import ENVIRONMENTS, NAMESPACE, ChartRefused, render
from switches import all_pairs, pairs_of, rows, switches, values_of

DRY = ("--dry-run=server", "--namespace", NAMESPACE)
NEEDED = {
    "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy", "PodDisruptionBudget", "Pod",
    "PriorityClass", "Service", "ServiceAccount", "StatefulSet", "Gateway", "HTTPRoute", "Certificate", "ScaledObject",
    "ExternalSecret", "ServiceMonitor", "PrometheusRule",
}  # fmt: skip
# A refusal by the chart itself, in words, and by its schema; anything else is an accident.
IN_WORDS = re.compile(r"execution error at \(usher/templates/[^)]+\): \w|don't meet the specifications of the schema")


class Combinations:
    """Of one environment: each setting alone, all pairs of settings in few rows, and pairs that no row could have."""

    def __init__(self, environment):
        self.environment, self.taken, self.refused = environment, [], []
        self.choices = {
            name: [
                value
                for value, objects in zip(values, self.render_all({name: each} for each in values), strict=True)
                if objects
            ]
            for name, values in switches().items()
        }
        self.render_all(rows(self.choices))
        self.render_all([dict(pair) for pair in self.missing()])

    def render_all(self, wanted):
        """The objects of each, none where the chart refuses."""
        wanted = list(wanted)
        with ThreadPoolExecutor(2) as threads:
            made = list(threads.map(self.render_one, wanted))
        self.taken += [(row, objects) for row, (objects, _) in zip(wanted, made, strict=True) if objects]
        self.refused += [(row, why) for row, (objects, why) in zip(wanted, made, strict=True) if not objects]
        return [objects for objects, _ in made]

    def render_one(self, row):
        try:
            return render(self.environment, values_of(row)), ""
        except ChartRefused as refused:
            return [], str(refused)

    def missing(self):
        """Pairs of settings, each of which the chart takes alone, in no row that it took."""
        return all_pairs(self.choices) - {pair for row, _ in self.taken for pair in pairs_of(row)}


@pytest.fixture(scope="module")
def combinations(timed):
    with timed("all pairs of settings, and each alone, rendered in each environment"):
        return [Combinations(environment) for environment in ENVIRONMENTS]


def test_what_the_chart_refuses_it_refuses_in_words(combinations):
    assert [why for each in combinations for _, why in each.refused if not IN_WORDS.search(why)] == []


def test_hardly_anything_is_refused(combinations):
    """What is: engines of the release outside dev, and pairs that contradict each other."""
    for each in combinations:
        pairs = [row for row, _ in each.refused if len(row) == 2]
        assert len(pairs) <= len(all_pairs(each.choices)) // 20, pairs
        assert len(each.taken) > 2 * len(each.choices)


def test_the_server_takes_every_combination_strictly_and_without_a_warning(cluster, combinations, timed):
    cluster.make_namespace(NAMESPACE)
    taken = [(row, objects) for each in combinations for row, objects in each.taken]
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
