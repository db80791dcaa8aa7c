"""What is read out of manifests, workloads, pods and events, without any program."""

import json
from datetime import UTC, datetime

import pytest

from usher_cli.release.cluster import secrets_needed
from usher_cli.release.differences import differences
from usher_cli.release.manifests import HIDDEN, shown, tells_a_secret
from usher_cli.release.outcomes import unsigned
from usher_cli.release.policies import findings
from usher_cli.release.rollout import happened, owner_of, part_of, pod_reasons
from usher_cli.release.target import seconds_of

GOOD = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main", "image": "registry.test/usher-event:1",
            "securityContext": {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        }
    ],
}  # fmt: skip


def deployment(pod=GOOD, **spec):
    labels = {"app.kubernetes.io/component": "event"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "usher-event", "labels": labels},
        "spec": {**spec, "template": {"spec": pod}},
    }  # fmt: skip


def changed(**what):
    pod = json.loads(json.dumps(GOOD))
    container = pod["containers"][0]
    for path, value in what.items():
        place, *rest = path.split("__")
        target = pod if place == "pod" else container
        for key in rest[:-1]:
            target = target[key]
        target[rest[-1]] = value
    return pod


def test_a_pod_that_keeps_the_rules_has_no_findings():
    assert findings([deployment()]) == []


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (changed(pod__hostNetwork=True), "hostNetwork is on"),
        (changed(pod__volumes=[{"name": "root", "hostPath": {"path": "/"}}]), "volume root is of a kind"),
        (changed(pod__automountServiceAccountToken=True), "it is given a token"),
        (changed(pod__securityContext={}), "it may run as root"),
        (changed(pod__securityContext__runAsUser=0), "it may run as root"),
        (changed(pod__securityContext__seccompProfile={"type": "Unconfined"}), "no seccompProfile"),
        (changed(container__securityContext__privileged=True), "privileged"),
        (changed(container__securityContext__allowPrivilegeEscalation=True), "allowPrivilegeEscalation"),
        (changed(container__securityContext__capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "capabilities"),
        (changed(container__securityContext__readOnlyRootFilesystem=False), "its root can be written to"),
        (changed(container__ports=[{"hostPort": 80}]), "hostPort"),
        (changed(container__image="registry.test:5000/usher-event"), "may be another one tomorrow"),
        (changed(container__image="usher-event:latest"), "may be another one tomorrow"),
        (changed(container__image="usher-event:main"), "may be another one tomorrow"),
        (changed(container__resources__requests={"cpu": "1"}), "no requests of cpu and memory"),
        (changed(container__resources__limits={}), "no limit of memory"),
    ],
)
def test_each_rule_is_found_broken(pod, said):
    found = findings([deployment(pod)])
    assert len(found) >= 1
    assert all(each.startswith("Deployment usher-event: ") for each in found)
    assert any(said in each for each in found), found


def test_a_digest_is_one_image_for_ever():
    assert findings([deployment(changed(container__image="usher-event@sha256:" + 64 * "a"))]) == []


def test_only_what_nobody_makes_and_nobody_may_do_without_is_needed():
    pod = changed(
        container__env=[
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "there", "key": "a"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "maybe", "key": "b", "optional": True}}},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "made", "key": "c"}}},
        ],
        pod__volumes=[{"name": "files", "secret": {"secretName": "there", "items": [{"key": "f", "path": "f"}]}}],
        pod__imagePullSecrets=[{"name": "puller"}],
    )
    made = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "x"},
            "spec": {"target": {"name": "made"}}}  # fmt: skip
    found = {each.name: each.keys for each in secrets_needed([deployment(pod), made])}
    assert found == {"there": {"a", "f"}, "puller": frozenset()}


def test_a_secret_in_an_object_is_told_as_changed_and_not_shown():
    before, after = ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": value}}
                     for value in ("b25l", "dHdv"))  # fmt: skip
    ((change,),) = [one.fields for each in differences([before], [after]) for one in each.objects]
    assert (change.path, change.before, change.after) == ("data.a", HIDDEN, HIDDEN)


def test_a_text_of_many_lines_is_told_by_its_lines():
    before, after = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"f.yaml": text}}
                     for text in ("a: 1\n- b\nc: 3", "a: 1\n- d\nc: 3"))  # fmt: skip
    ((change,),) = [one.fields for each in differences([before], [after]) for one in each.objects]
    assert change.lines == ("-- b", "+- d")


def test_an_object_of_another_version_of_its_group_is_the_same_object():
    before = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "x"}}
    (component,) = differences([before], [{**before, "apiVersion": "autoscaling/v2"}])
    assert [each.action for each in component.objects] == ["changed"]


@pytest.mark.parametrize("name", ["USHER_PAGE_TOKEN_KEY", "password", "client_secret", "apiKey.token", "CREDENTIALS"])
def test_what_is_a_secret_by_its_name(name):
    assert tells_a_secret(name)


@pytest.mark.parametrize("name", ["USHER_SIGNING_KEY_DAYS", "USHER_ACCESS_TOKEN_MINUTES", "monkey", "topologyKeys"])
def test_what_only_sounds_like_one(name):
    assert not tells_a_secret(name)


def test_variables_of_containers_are_hidden_by_their_own_names():
    assert shown("env", [{"name": "X_TOKEN", "value": "t"}, {"name": "X_SIZE", "value": "7"}]) == [
        {"name": "X_TOKEN", "value": HIDDEN}, {"name": "X_SIZE", "value": "7"},
    ]  # fmt: skip
    assert unsigned("cannot reach mongodb://a:b@db:27017/x") == "cannot reach mongodb://(hidden)@db:27017/x"


def workload(generation, observed, updated, ready, replicas=2):
    status = {"observedGeneration": observed, "updatedReplicas": updated, "readyReplicas": ready, "replicas": replicas}
    metadata = {"name": "usher-event", "generation": generation}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, "status": status}


@pytest.mark.parametrize(
    ("each", "before", "phase"),
    [
        (workload(4, 4, 2, 2), None, "ready"),
        (workload(4, 4, 2, 2), 4, "waiting"),  # the change has not come yet
        (workload(5, 4, 2, 2), 4, "waiting"),  # nobody has seen the change yet
        (workload(5, 5, 1, 2, replicas=3), 4, "waiting"),
        (workload(5, 5, 2, 2, replicas=3), 4, "waiting"),  # an old one still runs
        (workload(5, 5, 2, 2), 4, "ready"),
        ({**workload(4, 4, 0, 0, replicas=0), "spec": {"replicas": 0}}, None, "waiting"),  # scaled to nothing
    ],
)
def test_a_workload_is_ready_when_all_its_pods_are_new_and_ready(each, before, phase):
    assert part_of(each, before).phase == phase


def test_a_job_is_ready_when_it_is_done():
    job = {"kind": "Job", "metadata": {"name": "usher-topics"}, "spec": {}, "status": {"succeeded": 1}}
    assert part_of(job, None).phase == "ready"
    assert part_of({**job, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}, None).phase == "failed"
    assert part_of({**job, "status": {}}, None).phase == "waiting"


def test_reasons_of_a_pod_that_does_not_start():
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "usher-mongodb" not found'}
    crashed = {"exitCode": 1, "reason": "Error"}
    pod = {"status": {
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}],
        "containerStatuses": [
            {"name": "a", "state": {"waiting": waiting}},
            {"name": "b", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "image": "i",
             "lastState": {"terminated": crashed}},
            {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}},
        ],
    }}  # fmt: skip
    assert pod_reasons(pod) == [
        "Unschedulable: 0/3 nodes", 'CreateContainerConfigError: secret "usher-mongodb" not found',
        "CrashLoopBackOff: i", "container b ended with 1 (Error)",
    ]  # fmt: skip


def test_events_belong_to_the_longest_name_that_fits():
    names = ["usher-event", "usher-event-index"]
    assert owner_of("usher-event-index-7c9d8b6f5-x2x4z", names) == "usher-event-index"
    assert owner_of("usher-event-7c9d8b6f5", names) == "usher-event"
    assert owner_of("other-event-7c9d8b6f5", names) == ""


def test_an_event_happened_when_it_was_last_seen():
    event = {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "eventTime": "2026-01-01T00:00:01.5Z"}
    assert happened(event) == datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600)])
def test_times(text, seconds):
    assert seconds_of(text) == seconds
