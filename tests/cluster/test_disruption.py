"""A zone is emptied for maintenance: the release goes on in the others, never with fewer pods than its budgets say."""

import json
import subprocess
from collections import defaultdict
from contextlib import contextmanager

from cluster import CommandFailed
from kubernetes_tools import tool

ZONE = "a"
ALL_OF_IT = f"topology.kubernetes.io/zone={ZONE}"


def component_of(each):
    return each["metadata"]["labels"].get("app.kubernetes.io/component", "")


def is_ready(pod):
    conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


@contextmanager
def watched(cluster, namespace, into):
    """Every change of a pod in the block, one a line, in the file `into`."""
    path = f"/api/v1/namespaces/{namespace}/pods?watch=1"
    with into.open("wb") as lines:
        command = [str(tool("kubectl")), "get", "--raw", path]
        with subprocess.Popen(command, stdout=lines, env=cluster.environment()) as process:
            try:
                cluster.eventually("the watch tells what is there", lambda: into.stat().st_size)
                yield
            finally:
                process.terminate()


def fewest_ready(lines):
    """Of each component, over all moments since all pods were told first."""
    ready, fewest = defaultdict(set), {}
    for line in lines:
        change = json.loads(line)
        pod, kind = change["object"], change["type"]
        name, of = pod["metadata"]["name"], component_of(pod)
        if kind != "DELETED" and is_ready(pod):
            ready[of].add(name)
        else:
            ready[of].discard(name)
        if kind != "ADDED":
            for component, names in ready.items():
                fewest[component] = min(fewest.get(component, len(names)), len(names))
    return fewest


def test_draining_a_zone_keeps_every_budget(cluster, released, tmp_path, timed):
    """INVARIANT: a drain takes no component below its PodDisruptionBudget, and all of it runs elsewhere after."""
    budgets = {component_of(each): each for each in cluster.objects("pdb", released)}
    assert len(budgets) == 8
    nodes = json.loads(cluster.kubectl("get", "nodes", "-l", ALL_OF_IT, "-o", "json"))["items"]
    names = {each["metadata"]["name"] for each in nodes}
    pods = cluster.objects("pods", released)
    there = {component_of(pod) for pod in pods if pod["spec"].get("nodeName") in names}
    assert there >= set(budgets), "spread over the zones, each component has a pod in this one"
    seen = tmp_path / "pods"
    try:
        with timed("drain of a zone"), watched(cluster, released, seen):
            cluster.kubectl("drain", "-l", ALL_OF_IT, "--delete-emptydir-data", "--force", "--timeout=120s")
            cluster.eventually("all deployments are whole again", lambda: cluster.is_whole(released))
        fewest = fewest_ready(seen.read_text().rpartition("\n")[0].splitlines())
        expected = {name: each["status"]["expectedPods"] for name, each in budgets.items()}
        for name, budget in budgets.items():
            assert fewest[name] >= expected[name] - budget["spec"]["maxUnavailable"], (name, fewest)
        assert any(fewest[name] < expected[name] for name in budgets), "a drain that nobody felt shows nothing"
        running = [pod for pod in cluster.objects("pods", released) if pod["status"]["phase"] == "Running"]
        assert {pod["spec"]["nodeName"] for pod in running} & names == set()
    finally:
        cluster.kubectl("uncordon", "-l", ALL_OF_IT)


def test_a_second_pod_of_a_component_is_not_evicted_while_the_first_is_away(cluster, released):
    pods = [pod for pod in cluster.objects("pods", released) if component_of(pod) == "booking"]
    cluster.kubectl("cordon", "--selector", "kubernetes.io/os=linux")  # nothing can take their places
    try:
        said = [evict(cluster, released, pod["metadata"]["name"]) for pod in pods[:2]]
    finally:
        cluster.kubectl("uncordon", "--selector", "kubernetes.io/os=linux")
    assert "Success" in said[0], said
    assert "disruption budget" in said[1], said
    cluster.eventually("booking is whole again", lambda: cluster.is_whole(released))


def evict(cluster, namespace, name):
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    try:
        return cluster.kubectl("create", "--raw", path, "-f", "-", sent=json.dumps(eviction))
    except CommandFailed as refused:
        return refused.said
