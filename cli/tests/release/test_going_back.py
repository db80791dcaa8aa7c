"""usher release rollback and status: which revision is good, what runs, what is stuck."""

import pytest

from usher_cli.release.history import History, Revision
from usher_cli.release.outcomes import Exit


def test_rollback_brings_back_the_last_revision_that_is_other_and_passed_its_test(cluster, revision):
    """Revision 4 is revision 2 again, and 3 failed its test: so it is 1, not 2 and not 3."""
    cluster.set(revisions=[
        revision(1, "superseded", sets=["gateway.workers=3"]), revision(2, "superseded"),
        revision(3, "superseded", smoke="Failed"), revision(4, description="Rollback to 2"),
    ])  # fmt: skip
    code, document = cluster.json("rollback", "staging")
    assert (code, document["outcome"], document["to"], document["revision"]) == (0, "rolled back", 1, 5)
    assert document["smoke"]["passed"] is True
    assert [call[1:4] for call in cluster.changes()] == [["rollback", "usher", "1"], ["test", "usher", "--timeout"]]
    (changed,) = [each for each in document["plan"]["components"] if each["name"] == "gateway"]
    assert {each["kind"] for each in changed["objects"]} == {"Deployment"}


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (("--revision", "9"), Exit.BAD_INPUT, "usher has no revision 9 to go back to; there are 1, 2"),
        (("--dry-run",), 0, "nothing was changed"),
        (("--revision", "1"), 0, "revision 1 is back, as revision 3"),
    ],
)
def test_rollback_to_a_revision_that_is_named(cluster, revision, asked, code, said):
    cluster.set(revisions=[revision(1, "superseded"), revision(2)])
    done = cluster.run("rollback", "staging", *asked)
    assert done.exit_code == code
    assert said in done.output


def test_there_is_nothing_to_go_back_to(cluster, revision):
    assert "there is no release usher in namespace usher" in cluster.run("rollback", "staging").stderr
    cluster.set(revisions=[revision(1)])
    refused = cluster.run("rollback", "staging")
    assert (refused.exit_code, cluster.changes()) == (Exit.BAD_INPUT, [])
    assert "usher has no earlier revision that was good" in refused.stderr


def test_a_rollback_that_fails_says_so(cluster, revision):
    cluster.set(revisions=[revision(1, "superseded"), revision(2)], rollback="broken")
    refused = cluster.run("rollback", "staging")
    assert refused.exit_code == Exit.FAILED
    assert "the roll-back to revision 1 failed" in refused.stderr


def test_rollback_in_prod_is_confirmed(cluster, revision):
    cluster.set(revisions=[revision(1, "superseded", environment="prod"), revision(2, environment="prod")])
    assert cluster.run("rollback", "prod").exit_code == Exit.NOT_CONFIRMED
    assert cluster.changes() == []
    assert cluster.run("rollback", "prod", "--yes").exit_code == 0


def test_status_says_what_runs_in_which_version_and_how_it_was_tested(cluster, revision):
    cluster.set(revisions=[revision(1, "superseded"), revision(2, smoke="Succeeded")])
    code, document = cluster.json("status", "staging")
    assert (code, document["revision"], document["ready"], document["outcome"]) == (0, 2, True, "ready")
    assert document["smoke"]["passed"] is True
    booking = next(each for each in document["components"] if each["component"] == "booking")
    assert (booking["version"], booking["ready"], booking["wanted"]) == ("0.2.0", 2, 2)
    shown = cluster.run("status", "staging").stdout
    assert "usher (staging) runs revision 2, Usher 0.1.0" in shown
    assert "smoke test passed" in shown


def test_status_ends_with_1_when_a_part_is_not_ready(cluster, revision):
    workloads = cluster.state["workloads"]
    workloads[5]["status"]["readyReplicas"] = 1
    cluster.set(revisions=[revision(1)], workloads=workloads)
    code, document = cluster.json("status", "staging")
    assert (code, document["outcome"], document["smoke"]) == (Exit.FAILED, "not ready", None)


def test_status_explains_a_stuck_release_and_rollback_with_force_clears_it(cluster, revision):
    cluster.set(revisions=[revision(1, "superseded", sets=["gateway.workers=3"]), revision(2),
                           revision(3, "pending-upgrade")])  # fmt: skip
    stuck = cluster.run("status", "staging")
    assert stuck.exit_code == Exit.STUCK
    assert "the newest revision, 3, is pending-upgrade" in stuck.stdout
    assert "when nobody is at it, deploy or rollback with --force clears it" in " ".join(stuck.stderr.split())
    assert cluster.run("status", "staging", "--force").exit_code == Exit.BAD_INPUT, "a status changes nothing"
    assert cluster.changes() == []
    assert cluster.run("rollback", "staging", "--force").exit_code == 0
    assert [each["revision"] for each in cluster.state["revisions"]] == [1, 2, 3]
    assert cluster.state["revisions"][-1]["description"] == "Rollback to 1"


@pytest.mark.parametrize("command", [("status",), ("rollback",), ("rollback", "--force", "--yes")])
@pytest.mark.parametrize("status", ["pending-upgrade", "superseded"])
def test_nothing_of_another_environment_is_cleared_or_taken_back(cluster, revision, command, status):
    cluster.set(revisions=[revision(1, environment="prod"), revision(2, status, environment="prod")])
    name, *options = command
    refused = cluster.run(name, "staging", *options)
    assert (refused.exit_code, cluster.changes()) == (Exit.REFUSED, [])
    assert "what runs there is of environment prod, not staging" in refused.stderr


def test_a_revision_of_another_environment_is_not_brought_back_unasked(cluster, revision):
    cluster.set(revisions=[revision(1, "superseded", environment="prod"), revision(2)])
    assert cluster.run("rollback", "staging", "--force").exit_code == Exit.REFUSED
    assert cluster.run("rollback", "staging", "--change-environment").exit_code == Exit.NOT_CONFIRMED
    assert cluster.changes() == []
    assert cluster.run("rollback", "staging", "--change-environment", "--yes").exit_code == 0


def test_status_without_a_release_says_how_to_make_one(cluster):
    refused = cluster.run("status", "dev")
    assert refused.exit_code == Exit.FAILED
    assert "there is no release usher in namespace usher: `make deploy ENV=dev`" in refused.stderr


def revisions(*rows):
    return History(tuple(Revision(number, status, said, "") for number, status, said in rows))


@pytest.mark.parametrize(
    ("history", "good"),
    [
        (revisions((1, "deployed", "")), None),
        (revisions((1, "superseded", ""), (2, "deployed", "")), 1),
        (revisions((1, "deployed", ""), (2, "failed", "")), 1),
        (revisions((1, "superseded", ""), (2, "failed", ""), (3, "deployed", "Rollback to 1")), None),
        (revisions((4, "superseded", "Rollback to 2"), (5, "deployed", "Rollback to 4")), None),
        (revisions((1, "failed", ""), (2, "superseded", ""), (3, "failed", ""), (4, "deployed", "")), 2),
    ],
)
def test_the_last_good_revision(history, good):
    found = history.last_good(lambda _number: True)
    assert (found.number if found else None) == good
