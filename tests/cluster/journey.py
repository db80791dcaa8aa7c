"""A release of one environment from its installation to its end, helm 4 waiting at each step."""

import json

import pytest
from cluster import CommandFailed
from helm_chart import RELEASE
from stages import BROKEN, FAILING

NEXT = "0.1.1"
SECONDS_FOR_BAD_NEWS = "20s"


class Journey:
    """One environment in a namespace of its own."""

    def __init__(self, cluster, environment, timed):
        self.cluster, self.environment, self.timed = cluster, environment, timed
        self.namespace = cluster.make_namespace(f"journey-{environment}")  # usher-… are those of overlays

    def run(self):
        for step in (
            self.install, self.chart_tests, self.upgrade, self.roll_back, self.upgrade_that_never_gets_ready,
            self.chart_test_that_fails, self.uninstall,
        ):  # fmt: skip
            with self.timed(f"{self.environment}: {step.__name__.replace('_', ' ')}"):
                step()

    def install(self):
        self.cluster.install(self.environment, namespace=self.namespace)
        assert self.state() == (1, "deployed")
        self.all_are_ready()

    def chart_tests(self):
        said = self.cluster.helm("test", RELEASE, "--timeout", "60s", namespace=self.namespace)
        assert "Succeeded" in said, said

    def upgrade(self):
        before = self.tags()
        self.cluster.install(self.environment, "--set", f"image.tag={NEXT}", namespace=self.namespace)
        assert self.state() == (2, "deployed")
        assert before == {"0.1.0"}
        assert self.tags() == {NEXT}
        self.all_are_ready()

    def roll_back(self):
        self.cluster.helm("rollback", RELEASE, "1", "--wait", "--timeout", "3m", namespace=self.namespace)
        assert self.state() == (3, "deployed")
        assert self.tags() == {"0.1.0"}
        self.all_are_ready()

    def upgrade_that_never_gets_ready(self):
        """Comes back by itself; helm says what was not ready, the events say why."""
        options = ("--rollback-on-failure", "--timeout", SECONDS_FOR_BAD_NEWS, "--set", f"image.tag={BROKEN}")
        with pytest.raises(CommandFailed) as failed:
            self.cluster.install(self.environment, *options, namespace=self.namespace)
        assert "rolled back" in failed.value.said, failed.value.said
        assert "Deployment/" in failed.value.said, failed.value.said
        assert self.state() == (5, "deployed")
        assert self.tags() == {"0.1.0"}
        self.all_are_ready()
        told = self.cluster.objects("events", self.namespace, "--field-selector", "reason=Failed")
        reasons = {(each["involvedObject"]["name"].rpartition("-")[0], each["message"]) for each in told}
        assert any(name.startswith("usher-booking-") and "pull" in why for name, why in reasons), reasons

    def chart_test_that_fails(self):
        if self.environment != "dev":
            return  # the same there
        self.cluster.install(self.environment, "--set", f"image.tag={FAILING}", namespace=self.namespace)
        with pytest.raises(CommandFailed, match="failed"):
            self.cluster.helm("test", RELEASE, "--timeout", "60s", namespace=self.namespace)

    def uninstall(self):
        self.cluster.helm("uninstall", RELEASE, "--wait", "--timeout", "3m", namespace=self.namespace)
        kinds = self.cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
        mine = ("-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "json")
        listed = ",".join(each for each in kinds if not each.startswith("events"))

        def left():
            found = json.loads(self.cluster.kubectl("-n", self.namespace, "get", listed, *mine))["items"]
            return [(each["kind"], each["metadata"]["name"]) for each in found if not stays(each)]

        self.cluster.eventually("what was installed is gone", lambda: not left())

    def state(self):
        """Its revision and status."""
        told = json.loads(self.cluster.helm("status", RELEASE, "-o", "json", namespace=self.namespace))
        return told["version"], told["info"]["status"]

    def tags(self):
        """Of the images that running pods of ours have."""
        images = {
            container["image"]
            for pod in self.cluster.objects("pods", self.namespace)
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
            for container in pod["spec"]["containers"]
        }
        return {image.rpartition(":")[2] for image in images if "/usher-" in image}

    def all_are_ready(self):
        """As many of each as its autoscaler wants at least."""
        self.cluster.eventually("all of it is whole", lambda: self.cluster.is_whole(self.namespace))
        assert len(self.cluster.objects("deployments", self.namespace)) >= 8  # the services and the gateway


def stays(each):
    """Helm leaves what its hooks made, to be looked at; Kubernetes the volumes of stateful sets."""
    of_a_hook = "helm.sh/hook" in each["metadata"].get("annotations", {})
    of_a_job = any(owner["kind"] == "Job" for owner in each["metadata"].get("ownerReferences", []))
    return of_a_hook or of_a_job or each["kind"] == "PersistentVolumeClaim"
