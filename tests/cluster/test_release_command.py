"""`usher release` in a cluster: plans, makes, takes back and shows releases, and refuses in a line what cannot be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helm_chart import CHART, RELEASE
from kubernetes_tools import tool
from stages import BROKEN, FAILING, FAILING_COMMAND

USHER = Path(sys.executable).parent / "usher"
DONE, FAILED, CHANGES, BAD_INPUT, UNREACHABLE, ROLLED_BACK, NOT_CONFIRMED, REFUSED, STUCK = range(9)


class Releases:
    """The command, for one namespace."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace = cluster, namespace

    def __call__(self, command, environment="dev", *options, kubeconfig=None):
        """Exit code and document."""
        programs = {f"USHER_{name.upper()}": str(tool(name)) for name in ("helm", "kubectl")}
        told = {**self.cluster.environment(), **programs}
        if kubeconfig is not None:
            told["KUBECONFIG"] = str(kubeconfig)
        making = ("--registry", "images.example/usher") if command in {"plan", "deploy"} else ()
        line = [str(USHER), "release", command, environment, "--namespace", self.namespace, "--json", *making, *options]
        done = subprocess.run(line, env=told, capture_output=True, text=True, check=False, timeout=300)
        assert done.stdout, f"{' '.join(line)} ended with {done.returncode}: {done.stderr}"
        document = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode, done.stderr
        return done.returncode, document

    def stand_at(self, tag):
        """That release runs whole, made anew only where another one does."""
        if self.tags() != {tag} or self("status")[0] != DONE:
            assert self("deploy", "dev", "--tag", tag)[0] == DONE

    def tags(self):
        """Of our images in pods that are not on their way out."""
        pods = self.cluster.objects("pods", self.namespace)
        images = {
            container["image"]
            for pod in pods
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
            for container in pod["spec"]["containers"]
        }
        return {image.rpartition(":")[2] for image in images if "/usher-" in image}


@pytest.fixture(scope="module")
def releases(cluster):
    return Releases(cluster, cluster.make_namespace("by-command"))


def test_a_release_is_planned_made_shown_and_taken_back(releases, timed):
    with timed("usher release: plan, deploy, status, a second deploy, rollback"):
        code, planned = releases("plan")
        assert code == CHANGES, planned
        code, made = releases("deploy", "dev", "--tag", "1.0.0")
        assert (code, made["outcome"], made["revision"], made["smoke"]["passed"]) == (DONE, "deployed", 1, True)
        assert releases("plan", "dev", "--tag", "1.0.0")[0] == DONE
        code, state = releases("status")
        assert (code, state["ready"], state["revision"]) == (DONE, True, 1)
        assert releases("deploy", "dev", "--tag", "1.1.0")[0] == DONE
        assert releases.tags() == {"1.1.0"}
        code, back = releases("rollback")
        assert (code, back["to"], back["revision"]) == (DONE, 1, 3), back
        assert releases.tags() == {"1.0.0"}


def test_a_bad_release_comes_back_by_itself_and_says_why(releases, timed):
    """INVARIANT: after a release that failed the last good one runs, whole."""
    releases.stand_at("1.0.0")
    with timed("usher release: a deploy that never gets ready"):
        code, failed = releases("deploy", "dev", "--tag", BROKEN, "--timeout", "15s")
    assert code == ROLLED_BACK, failed
    assert "rolled back" in failed["error"]["what"]
    assert any("ImagePullBackOff" in each for each in failed["error"]["details"]), failed["error"]
    assert releases.tags() == {"1.0.0"}
    assert releases("status")[0] == DONE


def test_a_release_whose_tests_fail_comes_back_too(releases):
    releases.stand_at("1.0.0")
    code, failed = releases("deploy", "dev", "--tag", FAILING)
    assert code == ROLLED_BACK, failed
    assert "smoke test" in failed["error"]["what"]
    assert releases.tags() == {"1.0.0"}


def test_a_release_that_its_helm_left_in_the_middle_is_told_and_can_be_cleared(releases):
    releases.stand_at("1.0.0")
    cluster = releases.cluster
    values = ("--values", str(CHART / "values-dev.yaml"), "--set", f"image.tag={BROKEN}")
    line = [str(tool("helm")), "upgrade", RELEASE, str(CHART), *values, "--namespace", releases.namespace, "--wait"]
    with subprocess.Popen(
        line, env=cluster.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as helm:
        status = ("status", RELEASE, "-o", "json")
        cluster.eventually(
            "the upgrade is under way",
            lambda: (
                json.loads(cluster.helm(*status, namespace=releases.namespace))["info"]["status"] == "pending-upgrade"
            ),
        )
        helm.kill()
    assert releases("status")[0] == STUCK
    assert releases("deploy", "dev", "--tag", "1.2.0")[0] == STUCK
    code, made = releases("deploy", "dev", "--tag", "1.2.0", "--force")
    assert code == DONE, made
    assert releases.tags() == {"1.2.0"}


def test_a_command_of_a_service_runs_as_a_job_that_pod_security_takes_and_its_exit_code_comes_back(releases, timed):
    releases.stand_at("1.0.0")
    code, tried = releases("run", "dev", "--dry-run", "--", "booking", "replay")
    assert (code, tried["outcome"]) == (DONE, "checked")
    assert commands(releases) == []
    with timed("usher release run: a job that ends well, and one that does not"):
        code, done = releases("run", "dev", "--", "payment", "verify")
        assert (code, done["outcome"]) == (DONE, "ended"), done
        cluster = releases.cluster
        image = ("image", "deployment/usher-search", f"search=images.example/usher/usher-search:{FAILING_COMMAND}")
        cluster.kubectl("-n", releases.namespace, "set", *image)
        code, failed = releases("run", "dev", "--", "search", "dead-letters")
        assert (code, failed["outcome"]) == (4, "ended"), failed
    assert [each["spec"]["template"]["spec"]["containers"][0]["args"][2:] for each in commands(releases)] == [
        ["payment_service", "verify"], ["search_service", "dead-letters"],
    ]  # fmt: skip
    cluster.kubectl("-n", releases.namespace, "rollout", "undo", "deployment/usher-search")
    cluster.eventually("the release is ready again", lambda: releases("status")[0] == DONE)


def commands(releases):
    """Jobs of commands that are there, oldest first."""
    found = releases.cluster.objects(
        "jobs", releases.namespace, "-l", "app.kubernetes.io/component=command", "--sort-by=.metadata.creationTimestamp"
    )
    return sorted(found, key=lambda each: each["metadata"]["creationTimestamp"])


def test_what_cannot_be_is_refused_in_a_line_before_anything_changes(releases, cluster, tmp_path):
    bare = Releases(cluster, cluster.make_namespace("without-secrets"))
    nowhere = Releases(cluster, "nowhere")
    dead = tmp_path / "kubeconfig"
    dead.write_text(cluster.plane.kubeconfig("admin").read_text().replace(str(cluster.plane.ports["server"]), "1"))
    dead.chmod(0o600)
    outcomes = {
        "unknown environment": releases("deploy", "qa"),
        "namespace is not there": nowhere("deploy"),
        "Secret is missing": bare("deploy", "dev", "--set", "development.sandbox.enabled=false"),
        "wrong value": bare("deploy", "dev", "--set", "gateway.wrkers=2"),
        "no cluster": bare("deploy", kubeconfig=dead),
        "another environment": releases("deploy", "staging"),
        "another environment by force": releases("deploy", "staging", "--force"),
        "status of another environment": releases("status", "staging"),
    }
    codes = {what: code for what, (code, _) in outcomes.items()}
    assert codes == {
        "unknown environment": BAD_INPUT, "namespace is not there": REFUSED, "Secret is missing": REFUSED,
        "wrong value": BAD_INPUT, "no cluster": UNREACHABLE, "another environment": REFUSED,
        "another environment by force": REFUSED, "status of another environment": REFUSED,
    }, outcomes  # fmt: skip
    assert all("\n" not in document["error"]["what"] for _, document in outcomes.values())
    assert cluster.objects("deployments", bare.namespace) == []
    assert cluster.objects("secrets", bare.namespace) == []
