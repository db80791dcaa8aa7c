"""usher release deploy: what is refused before anything is changed, and what becomes of what is changed."""

import os
import signal
import threading

import pytest

from usher_cli.release.outcomes import Exit

COMPONENT = "app.kubernetes.io/component"
GIVEN = ("--tag", "0.2.0", "--registry", "registry.test/usher")
PULLS = 'Back-off pulling image "registry.test/usher/usher-booking:0.2.0"'
NOW = "2099-01-01T00:00:00Z"  # after any beginning


def pod(component, reason, message):
    return {
        "kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"name": component}]},
        "metadata": {"name": f"usher-{component}-7c9d8b6f5-x2x4z", "labels": {COMPONENT: component}},
        "status": {
            "phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": component, "state": {"waiting": {"reason": reason, "message": message}}}],
        },
    }  # fmt: skip


def test_a_release_is_checked_made_watched_and_tested(cluster, revision):
    cluster.set(revisions=[revision(1)])
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert (code, document["outcome"], document["revision"]) == (0, "deployed", 2)
    assert document["smoke"]["passed"] is True
    parts = {each["component"]: each for each in document["components"]}
    assert len(parts) == 8
    assert {each["phase"] for each in parts.values()} == {"ready"}
    assert [call[1] for call in cluster.changes()] == ["upgrade", "test"]
    upgrade = cluster.changes()[0]
    assert {"--install", "--rollback-on-failure", "--wait", "--wait-for-jobs"} <= set(upgrade)
    assert upgrade[upgrade.index("--timeout") + 1] == "600s"
    assert "--force-conflicts" not in upgrade


def test_people_see_each_part_get_ready_and_the_result(cluster):
    done = cluster.run("deploy", "staging", *GIVEN)
    assert done.exit_code == 0
    for line in ("booking        ready     2/2", "smoke test     ready     passed", "usher 0.2.0 runs as revision 1"):
        assert line in done.stdout, done.stdout


def test_a_release_that_gets_not_ready_goes_back_and_says_why(cluster, revision):
    workloads = cluster.state["workloads_after"]
    workloads[1]["status"]["readyReplicas"] = 0  # booking
    event = {
        "kind": "Event", "reason": "Unhealthy", "type": "Warning", "metadata": {"creationTimestamp": NOW},
        "message": "Startup probe failed: service unhealthy", "lastTimestamp": NOW,
        "involvedObject": {"kind": "Pod", "name": "usher-booking-7c9d8b6f5-x2x4z"},
    }  # fmt: skip
    cluster.set(
        revisions=[revision(3)], upgrade="rolled back", workloads_after=workloads, events=[event],
        pods_after=[pod("booking", "ImagePullBackOff", PULLS)],
    )  # fmt: skip
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert (code, document["outcome"]) == (Exit.ROLLED_BACK, "rolled_back")
    assert "revision 4 failed and was rolled back: what runs is revision 3 again" in document["error"]["what"]
    told = "\n".join(document["error"]["details"])
    assert f"booking: ImagePullBackOff: {PULLS}" in told
    assert "booking: Unhealthy: Startup probe failed: service unhealthy" in told
    assert {line.partition(":")[0] for line in document["error"]["details"]} == {"booking"}
    assert [call[1] for call in cluster.changes()] == ["upgrade"], "what went back is not tested"


def test_a_release_that_is_interrupted_goes_back_before_the_command_ends(cluster, revision):
    """INVARIANT: whoever ends the command does not leave half a release."""
    cluster.set(revisions=[revision(1)], upgrade="told to stop")

    waits = cluster.folder / "waits"
    os.mkfifo(waits)

    def interrupt():
        waits.read_text()  # until helm has said that it waits
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    code, document = cluster.json("deploy", "staging", *GIVEN)
    interrupting.join()
    assert code == Exit.ROLLED_BACK
    assert "what runs is revision 1 again" in document["error"]["what"]


def test_a_first_release_that_fails_is_removed_again(cluster):
    cluster.set(upgrade="removed")
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert code == Exit.ROLLED_BACK
    assert "what it had made was removed again" in document["error"]["what"]


def test_a_release_that_cannot_even_go_back_says_so(cluster, revision):
    cluster.set(revisions=[revision(1)], upgrade="broken")
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert code == Exit.FAILED
    assert "revision 2 failed and is not rolled back" in document["error"]["what"]
    assert "make rollback ENV=staging" in document["error"]["what"]


def test_a_release_that_somebody_else_was_faster_with_is_not_theirs_to_answer_for(cluster, revision):
    cluster.set(revisions=[revision(1)], upgrade="conflict")
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert code == Exit.STUCK
    assert "somebody else's release began just before this one" in document["error"]["what"]


def test_a_failing_smoke_test_brings_the_revision_before_back(cluster, revision):
    cluster.set(revisions=[revision(1)], bad=[2], logs={"usher-smoke": "GET /v1/events: 503\n"})
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert code == Exit.ROLLED_BACK
    assert "the smoke test of revision 2 failed, so it was rolled back" in document["error"]["what"]
    assert "usher-smoke: GET /v1/events: 503" in document["error"]["details"]
    assert [call[1:4] for call in cluster.changes()][2] == ["rollback", "usher", "1"]
    assert cluster.state["revisions"][-1]["description"] == "Rollback to 1"


def test_a_dry_run_checks_everything_and_changes_nothing(cluster, revision):
    cluster.set(revisions=[revision(1)])
    code, document = cluster.json("deploy", "prod", *GIVEN, "--dry-run", "--force")
    assert (code, document["outcome"], document["plan"]["changes"]) == (0, "checked", True)
    assert cluster.changes() == []
    assert {each["check"] for each in document["checks"]} >= {
        "cluster",
        "Secrets",
        "signatures",
        "tried by the API server",
    }


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ({"unreachable": True}, Exit.UNREACHABLE, "the cluster does not answer, or does not know you"),
        ({"unreachable": "no credentials"}, Exit.UNREACHABLE, "does not answer, or does not know you"),
        ({"context": ""}, Exit.UNREACHABLE, "no cluster is configured: point KUBECONFIG to one"),
        ({"version": "v1.29.4"}, Exit.REFUSED, "this Kubernetes is too old: Usher needs >=1.30.0"),
        ({"namespaces": []}, Exit.REFUSED, "namespace usher is not there: kubectl create namespace usher"),
        ({"api_versions": ["v1"]}, Exit.REFUSED, "the cluster does not know"),
        ({"apply": 'Error: Apply failed with 1 conflict: conflict with "kubectl-scale": .spec.replicas'}, Exit.REFUSED,
         "kubectl-scale has changed what the release sets: --force takes it back"),
        ({"apply": "The Deployment is invalid: spec.selector: field is immutable"}, Exit.REFUSED,
         "the API server would not take it"),
        ({"helm": "v3.22.0"}, Exit.FAILED, "version 4 is needed"),
    ],
    ids=lambda each: str(each)[:40],
)  # fmt: skip
def test_what_the_cluster_lacks_is_one_line_and_nothing_is_changed(cluster, state, code, said):
    """INVARIANT: nothing is half applied."""
    cluster.set(**state)
    refused = cluster.run("deploy", "staging", *GIVEN)
    assert refused.exit_code == code, refused.output
    first, *_ = refused.stderr.splitlines()
    assert said in first
    assert cluster.changes() == []


def test_a_missing_secret_and_a_missing_key_are_named_with_who_reads_them(cluster):
    by_hand = ("--set", "externalSecrets.enabled=false")
    cluster.set(secrets={"usher-mongodb": ["url"], "usher-page-tokens": ["key"], "usher-elasticsearch": ["url"]})
    code, document = cluster.json("deploy", "staging", *GIVEN, *by_hand)
    assert code == Exit.REFUSED
    lines = [document["error"]["what"], *document["error"]["details"]]
    assert [each for each in lines if each.startswith("Secret usher-mongodb has no key uri (usher-analytics, ")]
    assert (
        "there is no Secret usher-payment-gateways (keys: gateways.json; read by usher-payment, usher-prepare)" in lines
    )
    assert "create secret generic (docs/operations.md, Secrets)" in lines[0]
    assert not [each for each in lines if "usher-page-tokens" in each]
    assert cluster.changes() == []


def test_secrets_that_may_not_be_read_are_told_as_not_checked(cluster):
    cluster.set(secrets=None)
    _, document = cluster.json("deploy", "staging", *GIVEN, "--set", "externalSecrets.enabled=false", "--dry-run")
    (told,) = [each["outcome"] for each in document["checks"] if each["check"] == "Secrets"]
    assert told.startswith("skipped, not to be read by this account: ")


def test_prod_is_confirmed_by_its_name_and_never_without_a_terminal(cluster, monkeypatch):
    refused = cluster.run("deploy", "prod", *GIVEN)
    assert refused.exit_code == Exit.NOT_CONFIRMED
    assert "there is no terminal: say --yes" in refused.stderr
    monkeypatch.setattr("usher_cli.release.options.is_terminal", lambda: True)
    assert cluster.run("deploy", "prod", *GIVEN, given="yes\n").exit_code == Exit.NOT_CONFIRMED
    assert cluster.changes() == []
    confirmed = cluster.run("deploy", "prod", *GIVEN, given="prod\n")
    assert confirmed.exit_code == 0
    assert "namespace usher of kind-usher (https://10.0.0.1:6443)" in confirmed.stdout


def test_a_stuck_release_is_explained_and_cleared_by_force(cluster, revision):
    cluster.set(revisions=[revision(1), revision(2, "pending-upgrade")])
    code, document = cluster.json("deploy", "staging", *GIVEN)
    assert code == Exit.STUCK
    assert "revision 2 of usher is pending-upgrade since" in document["error"]["what"]
    assert cluster.changes() == []
    code, document = cluster.json("deploy", "staging", *GIVEN, "--force")
    assert (code, document["revision"]) == (0, 2)
    assert cluster.changes()[0][1:4] == ["delete", "secret", "sh.helm.release.v1.usher.v2"]


def test_another_environment_in_the_same_place_is_most_likely_the_wrong_cluster(cluster, revision):
    cluster.set(revisions=[revision(1, environment="staging")])
    refused = cluster.run("deploy", "prod", *GIVEN, "--yes")
    assert refused.exit_code == Exit.REFUSED
    assert "what runs there is of environment staging, not prod" in refused.stderr
    assert cluster.changes() == []


def test_signatures_that_are_asked_for_are_verified_or_the_release_is_refused(cluster, monkeypatch, tmp_path):
    signer = ("--signed-by", "^https://github.com/usher/.*", "--dry-run")
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    refused = cluster.run("deploy", "staging", *GIVEN, *signer)
    assert (refused.exit_code, "cosign is not on the PATH" in refused.stderr) == (Exit.REFUSED, True)
    cosign = tmp_path / "bin" / "cosign"
    cosign.write_text('#!/bin/sh\nfor image; do :; done\necho "$image" >> "$0.seen"\ncase "$image" in *booking*) '
                      'echo "Error: no signatures found" >&2; exit 10;; esac\n')  # fmt: skip
    cosign.chmod(0o755)
    refused = cluster.run("deploy", "staging", *GIVEN, *signer)
    assert refused.exit_code == Exit.REFUSED
    assert "usher-booking:0.2.0 is not signed by" in refused.stderr
    cosign.write_text("#!/bin/sh\n")
    assert "8 images signed by" in cluster.run("deploy", "staging", *GIVEN, *signer).stdout


def test_the_registry_of_the_examples_is_never_released_from(cluster):
    refused = cluster.run("deploy", "staging")
    assert refused.exit_code == Exit.BAD_INPUT
    assert "image.registry is still registry.example/usher: say --registry" in refused.stderr
