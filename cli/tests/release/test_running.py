"""`usher release run`: a command of a service, as a job with what runs, whose exit code is the command's own."""

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from usher_cli.release import jobs
from usher_cli.release.jobs import job_of
from usher_cli.release.manifests import objects_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.policies import findings
from usher_cli.release.target import CHART

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")
REPLAY = ("--", "booking", "replay", "--subject", "events/a")


@pytest.fixture(scope="module")
def deployments(real_helm):
    """`deployments(environment)`: component → what the chart runs."""

    def of(environment):
        command = [real_helm, "template", "usher", str(CHART), "--values", str(CHART / f"values-{environment}.yaml")]
        command += ["--set", "tls.internal.enabled=true", "--set-string", "image.tag=1.0.0"]
        made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = [each for each in objects_of(made) if each["kind"] == "Deployment"]
        return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in found}

    return of


@pytest.fixture
def running(cluster, deployments, monkeypatch):
    """A cluster in which staging runs."""
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.05)
    cluster.set(workloads=list(deployments("staging").values()))
    return cluster


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_job_of_each_service_has_its_image_settings_and_secrets_and_is_restricted(environment, deployments):
    found = deployments(environment)
    for service in SERVICES:
        job = job_of(found[service], ["replay"], 60)
        (container,), (own,) = (each["spec"]["template"]["spec"]["containers"] for each in (job, found[service]))
        assert container["args"] == ["python", "-m", f"{service}_service", "replay"]
        for key in ("image", "env", "securityContext", "volumeMounts", "resources"):
            assert container[key] == own[key]
        assert not {"ports", "readinessProbe", "livenessProbe", "startupProbe", "lifecycle"} & container.keys()
        assert findings([{**job, "metadata": {"name": service}}]) == []


def test_nothing_that_looks_for_pods_of_the_service_finds_the_job(deployments):
    """INVARIANT: neither callers nor autoscaler nor disruption budget count it."""
    found = deployments("prod")["booking"]
    labels = job_of(found, ["replay"], 60)["spec"]["template"]["metadata"]["labels"]
    assert not found["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels["app.kubernetes.io/component"] == "command"


def test_what_it_says_is_printed_and_its_exit_code_is_passed_on(running):
    running.set(logs={"job/usher-payment-verify-x7q2p": "BALANCE 7 is off\n12 entries, 1 faults\n"}, job_ends=4)
    done = running.run("run", "staging", "--", "payment", "verify", "--anchor", "12:ab")
    assert (done.exit_code, done.stdout) == (4, "BALANCE 7 is off\n12 entries, 1 faults\n")
    (made,) = running.changes()
    assert made[1] == "create"
    assert running.state["job"]["spec"]["template"]["spec"]["containers"][0]["args"][3:] == [
        "verify", "--anchor", "12:ab",
    ]  # fmt: skip


def test_the_document_says_which_job_and_what_it_said(running):
    running.set(logs={"job/usher-booking-replay-x7q2p": "3 domain events of booking published again\n"})
    code, document = running.json("run", "staging", "--yes", "--json", *REPLAY)
    assert code == 0
    assert document["job"] == "usher-booking-replay-x7q2p"
    assert document["log"] == ["3 domain events of booking published again"]


def test_a_dry_run_asks_the_api_server_and_makes_nothing(running):
    done = running.run("run", "staging", "--dry-run", *REPLAY)
    assert (done.exit_code, "would take job" in done.stdout) == (0, True)
    assert running.changes() == []


def test_what_the_api_server_would_not_take_is_refused(running):
    running.set(apply='Error from server (Forbidden): pods "x" is forbidden: exceeded quota: small')
    done = running.run("run", "staging", *REPLAY)
    assert (done.exit_code, "exceeded quota" in done.stderr) == (Exit.REFUSED, True)


def test_a_job_that_its_deadline_ends_has_failed(running):
    running.set(job_ends=None)
    done = running.run("run", "staging", "--timeout", "1s", *REPLAY)
    assert (done.exit_code, "DeadlineExceeded" in done.stderr) == (Exit.FAILED, True)


def test_prod_is_asked_before_something_changes_and_not_before_something_is_read(running, deployments):
    running.set(workloads=list(deployments("prod").values()))
    assert running.run("run", "prod", *REPLAY).exit_code == Exit.NOT_CONFIRMED
    assert running.changes() == []
    assert running.run("run", "prod", "--", "booking", "dead-letters").exit_code == 0
    assert running.run("run", "prod", "--yes", *REPLAY).exit_code == 0


def test_another_environment_is_refused(running):
    done = running.run("run", "prod", "--yes", *REPLAY)
    assert (done.exit_code, running.changes()) == (Exit.REFUSED, [])
    assert "of environment staging" in done.stderr


@pytest.mark.parametrize("words", [(), ("--", "booking"), ("--", "gateway", "replay"), ("--", "booking", "serve")])
def test_a_command_line_that_says_nothing_to_do_is_told_how_it_goes(words, running):
    done = running.run("run", "staging", *words)
    assert (done.exit_code, "-- booking replay" in done.stderr) == (Exit.BAD_INPUT, True)


def test_a_service_that_does_not_run_there_is_told(running):
    running.set(workloads=[])
    done = running.run("run", "staging", *REPLAY)
    assert (done.exit_code, "no booking of release usher runs" in done.stderr) == (Exit.BAD_INPUT, True)


def test_an_api_server_that_is_away_for_a_moment_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    pod = {
        "metadata": {"name": "p"},
        "status": {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 4}}}]},
    }
    answers: list[Any] = [Trouble(Exit.UNREACHABLE, "away"), [job], Trouble(Exit.UNREACHABLE, "away"), [job], [pod]]

    def objects(*_: str) -> Any:
        if isinstance(answer := answers.pop(0), Trouble):
            raise answer
        return answer

    said = SimpleNamespace(out="log", code=0, lines=[])
    programs = SimpleNamespace(
        objects=objects, target=SimpleNamespace(timeout_seconds=60), try_kubectl=lambda *_: said
    )  # fmt: skip
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)
    assert jobs.ended(programs, "j") == jobs.Ended("j", 4, "log", [])
    assert not answers
