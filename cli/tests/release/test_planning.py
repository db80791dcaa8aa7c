"""usher release plan: what it compares with, what it says, its exit codes."""

import json
from contextlib import nullcontext

import pytest

from usher_cli.release import planning
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.target import CHART

GIVEN = ("--tag", "0.2.0", "--registry", "registry.test/usher")
SAME = ("--tag", "0.1.0", "--registry", "registry.test/usher")


def test_a_plan_that_changes_nothing_ends_with_0_and_one_that_changes_something_with_2(cluster, revision):
    cluster.set(revisions=[revision(1)])
    code, document = cluster.json("plan", "staging", *SAME)
    assert (code, document["changes"], document["outcome"], document["components"]) == (0, False, "no changes", [])
    code, document = cluster.json("plan", "staging", *GIVEN)
    assert (code, document["changes"], document["outcome"]) == (Exit.CHANGES, True, "changes")
    assert document["compared_with"] == {"kind": "revision", "what": "revision 1 of usher, which is deployed"}
    assert document["version"] == {"before": "0.1.0", "after": "0.2.0"}
    assert cluster.changes() == []


def test_a_plan_says_by_component_what_is_added_changed_and_removed(cluster, revision):
    cluster.set(revisions=[revision(1)])
    code, document = cluster.json(
        "plan", "staging", *GIVEN, "--set-string", "components.booking.settings.USHER_HOLD_SECONDS=900",
        "--set", "components.booking.scaling.max=2", "--set", "priorityClasses.create=false",
    )  # fmt: skip
    assert code == Exit.CHANGES
    components = {each["name"]: each for each in document["components"]}
    booking = components["booking"]
    assert [each["path"].rpartition("[")[2] for each in booking["settings"]] == ["USHER_HOLD_SECONDS]"]
    assert (booking["settings"][0]["before"], booking["settings"][0]["after"]) == ("600", "900")
    assert booking["images"][0]["after"] == "registry.test/usher/usher-booking:0.2.0"
    actions = {(each["kind"], each["action"]) for each in booking["objects"]}
    assert {("ScaledObject", "removed"), ("Deployment", "changed")} <= actions
    services = [each for each in components["event"]["objects"] if each["kind"] == "Service"]
    assert [each["version_labels_alone"] for each in services] == [True]
    paths = {each["path"] for each in document["values"]}
    assert "image.tag" in paths
    assert document["summary"]["removed"] >= 4


def test_people_read_a_line_for_each_component_and_each_change(cluster, revision):
    cluster.set(revisions=[revision(1)])
    change = ("--set-string", "components.booking.settings.USHER_HOLD_SECONDS=900")
    said = cluster.run("plan", "staging", *GIVEN, *change).stdout
    for line in (
        "compared with revision 1 of usher, which is deployed",
        "~ booking image usher-booking:0.1.0 → usher-booking:0.2.0; 1 settings",
        "containers[booking].env[USHER_HOLD_SECONDS]: 600 → 900",
        "version 0.1.0 → 0.2.0",
        "labels of the version alone: ",
    ):
        assert line in said, said


def test_secrets_are_never_printed(cluster, revision):
    """INVARIANT: neither the old one nor the new one, in no form of output."""
    cluster.set(revisions=[revision(1, sets=["defaults.settings.USHER_PAGE_TOKEN_KEY=old-and-secret"])])
    new = ("--set", "defaults.settings.USHER_PAGE_TOKEN_KEY=new-and-secret",
           "--set", "defaults.settings.USHER_MONGODB_URI=mongodb://u:new-and-secret@db/?replicaSet=rs0")  # fmt: skip
    for form in ((), ("--json",)):
        said = cluster.run("plan", "staging", *GIVEN, *new, *form)
        assert said.exit_code == Exit.CHANGES
        assert "USHER_PAGE_TOKEN_KEY" in said.stdout
        assert "and-secret" not in said.output
        assert "mongodb://(hidden)@db" in said.stdout


@pytest.mark.parametrize(("options", "notes"), [((), ["no cluster is configured"]), (("--offline",), [])])
def test_without_a_cluster_a_plan_compares_with_the_committed_chart_and_says_so(cluster, monkeypatch, options, notes):
    cluster.set(context="")
    monkeypatch.setattr(planning, "committed_chart", lambda reference: nullcontext((CHART, f"c0ffee of {reference}")))
    code, document = cluster.json("plan", "staging", *GIVEN, *options)
    what = "the chart as committed at c0ffee of HEAD, not with a cluster"
    assert (code, document["compared_with"]) == (Exit.DONE, {"kind": "commit", "what": what})
    assert document["notes"] == notes


def test_in_a_checkout_without_commits_a_plan_compares_with_nothing(cluster, monkeypatch):
    def none(reference):
        raise Trouble(Exit.BAD_INPUT, f"--against {reference}: the checkout has no such commit")

    cluster.set(context="")
    monkeypatch.setattr(planning, "committed_chart", none)
    code, document = cluster.json("plan", "staging", *GIVEN)
    what = "nothing: neither a cluster nor a commit was there"
    assert (code, document["compared_with"]) == (Exit.CHANGES, {"kind": "nothing", "what": what})


def test_what_kubectl_apply_keeps_of_a_secret_is_never_printed(cluster, revision):
    """INVARIANT: its annotation last-applied-configuration holds the data as it was given."""
    cluster.set(revisions=[revision(1)], applied={
        "kubectl.kubernetes.io/last-applied-configuration": '{"kind":"Secret","data":{"uri":"b2xkLWFuZC1zZWNyZXQ="}}'
    })  # fmt: skip
    done = cluster.run("plan", "staging", *SAME, "--live", "--json")
    assert "last-applied" not in done.output
    assert done.exit_code == Exit.DONE


def test_a_cluster_that_does_not_answer_is_told_after_what_could_be_planned(cluster):
    cluster.set(unreachable=True)
    done = cluster.run("plan", "staging", *GIVEN)
    assert done.exit_code == Exit.UNREACHABLE
    assert "compared with" in done.stdout
    assert "the cluster does not answer" in done.stderr.splitlines()[0]


def test_what_others_changed_by_hand_shows_against_the_objects_themselves(cluster, revision):
    cluster.set(revisions=[revision(1)])
    assert cluster.run("plan", "staging", *SAME, "--live").exit_code == Exit.DONE
    cluster.set(live={"usher-event": {"revisionHistoryLimit": 1}})
    assert cluster.run("plan", "staging", *SAME).exit_code == Exit.DONE, "helm knows nothing of it"
    code, document = cluster.json("plan", "staging", *SAME, "--live")
    assert (code, document["compared_with"]["kind"]) == (Exit.CHANGES, "live")
    fields = [field for one in document["components"] for each in one["objects"] for field in each["fields"]]
    assert {"path": "spec.revisionHistoryLimit", "before": 1, "after": 5} in fields


def test_a_release_that_is_not_there_yet_is_all_added(cluster):
    code, document = cluster.json("plan", "prod", *GIVEN, "--yes")
    assert code == Exit.CHANGES
    assert document["compared_with"]["what"] == "nothing: there is no release usher yet"
    assert {each["action"] for each in document["components"] if each["name"] == "booking"} == {"added"}
    assert (document["summary"]["changed"], document["summary"]["removed"]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no environment: say dev, staging or prod (with make: ENV=staging)"),
        (("qa",), "unknown environment 'qa': say dev, staging or prod"),
        (("staging", "--values", "not-there.yaml"), "--values not-there.yaml: there is no such file"),
        (("staging", "--set", "gateway.workers"), "--set takes KEY=VALUE"),
        (("staging", "--tag", "a b"), "--tag 'a b' is no name"),
        (("staging", "--namespace", "Usher"), "--namespace 'Usher' is no name"),
        (("staging", "--set", "gateway.wrkers=2"), "additional properties 'wrkers' not allowed"),
        (("staging", "--set", "components.booking.scaling.min=9"), "booking: scaling.min 9 is more than scaling.max 4"),
        (("prod", "--set", "engines.kind=singleNode"), "engines.kind singleNode is for environment dev alone"),
        (("staging", "--context", "other"), "--context other: there is no such context"),
        (("staging", "--against", "no-such-commit"), "--against no-such-commit: the checkout has no such commit"),
        (("staging", "--no-such-option"), "No such option: --no-such-option"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_is_wrong_in_the_command_or_the_values_ends_with_3_and_a_line_that_names_it(cluster, arguments, said):
    refused = cluster.run("plan", *arguments)
    assert refused.exit_code == Exit.BAD_INPUT, refused.output
    assert said in " ".join(refused.stderr.split())


@pytest.mark.parametrize("tag", ["latest", "main", "edge"])
def test_an_image_that_may_be_another_one_tomorrow_is_refused(cluster, tag):
    code, document = cluster.json("plan", "staging", "--tag", tag, "--registry", "registry.test/usher")
    assert code == Exit.REFUSED
    assert "findings against the policies" in document["error"]["what"]
    assert any(f"usher-booking:{tag} may be another one tomorrow" in each for each in document["error"]["details"])


def test_the_document_has_the_same_keys_however_a_plan_ends(cluster, revision):
    common = {"command", "environment", "release", "namespace", "exit_code", "outcome"}
    cluster.set(revisions=[revision(1, "pending-install")])
    _, document = cluster.json("plan", "staging", *GIVEN)
    assert (
        common | {"changes", "compared_with", "components", "values", "version", "summary", "notes"} <= document.keys()
    )
    assert "revision 1 of usher is pending-install since" in " ".join(document["notes"])
    _, document = cluster.json("plan", "staging", "--set", "gateway.wrkers=2")
    assert common | {"error"} <= document.keys()
    assert json.dumps(document["error"]).count("wrkers") >= 1
