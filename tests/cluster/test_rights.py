"""Who may do what: pods of the release nothing, readers read, and a pod that is not restricted does not come in."""

import pytest
from cluster import CommandFailed
from helm_chart import CHART, RELEASE

COMPONENTS = ("analytics", "booking", "event", "gateway", "notification", "payment", "search", "user")
WANTED_BY_AN_INTRUDER = (
    ("get", "secrets"), ("list", "pods"), ("create", "pods"), ("create", "pods", "--subresource=exec"),
    ("patch", "deployments"), ("create", "serviceaccounts", "--subresource=token"), ("create", "rolebindings"),
    ("list", "nodes"), ("impersonate", "users"),
)  # fmt: skip
# What Kubernetes lets everybody do: ask about themselves.
ABOUT_ONESELF = {
    "selfsubjectreviews.authentication.k8s.io", "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
}  # fmt: skip


def account_of(component, namespace):
    return f"system:serviceaccount:{namespace}:{RELEASE}-{component}"


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_account_of_the_release_may_do_nothing(component, cluster, released):
    """INVARIANT: who takes over a service has no hold on the cluster."""
    account = account_of(component, released)
    told = cluster.kubectl("-n", released, "auth", "can-i", "--list", "--no-headers", "--as", account)
    rules = [line.split() for line in told.splitlines()]
    assert {words[0] for words in rules if not words[0].startswith("[")} == ABOUT_ONESELF
    assert {words[-1] for words in rules if words[0].startswith("[")} == {"[get]"}


@pytest.mark.parametrize("wanted", WANTED_BY_AN_INTRUDER, ids=" ".join)
def test_what_an_intruder_would_want_is_denied(wanted, cluster, released):
    with pytest.raises(CommandFailed) as refused:
        cluster.kubectl("-n", released, "auth", "can-i", *wanted, "--as", account_of("booking", released))
    assert refused.value.said.splitlines()[-1] == "no"


def test_what_may_something_is_told_from_what_may_nothing(cluster, released):
    assert cluster.kubectl("-n", released, "auth", "can-i", "get", "secrets").strip() == "yes"


def test_no_pod_carries_a_token(cluster, released):
    """INVARIANT: there is nothing in a pod to talk to the API server with."""
    pods = cluster.objects("pods", released)
    assert len(pods) >= 3 * len(COMPONENTS)
    volumes = [(pod["metadata"]["name"], volume) for pod in pods for volume in pod["spec"].get("volumes", [])]
    assert [name for name, volume in volumes if "projected" in volume] == []
    lasting = [pod for pod in pods if pod["spec"]["restartPolicy"] == "Always"]
    assert {pod["spec"]["serviceAccountName"] for pod in lasting} == {
        f"{RELEASE}-{component}" for component in COMPONENTS
    }


def test_a_pod_that_is_not_restricted_does_not_come_in(cluster, released):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "guest", "namespace": released},
        "spec": {"containers": [{"name": "guest", "image": "guest:1"}]},
    }
    with pytest.raises(CommandFailed, match='violates PodSecurity "restricted:latest"'):
        cluster.apply([pod])


def test_who_only_reads_cannot_install_and_nothing_is_left_of_the_attempt(cluster):
    namespace = cluster.make_namespace("for-readers")
    cluster.kubectl("-n", namespace, "create", "rolebinding", "reads", "--clusterrole=view", "--user=reader")
    assert cluster.kubectl("-n", namespace, "get", "pods", user="reader") == ""
    command = ("install", RELEASE, str(CHART), "--values", str(CHART / "values-dev.yaml"))
    with pytest.raises(CommandFailed, match="forbidden"):
        cluster.helm(*command, namespace=namespace, user="reader")
    made = [
        each for kind in ("deployments", "services", "secrets", "jobs") for each in cluster.objects(kind, namespace)
    ]
    assert made == []
