"""Stands for helm and kubectl in tests: answers from a file that says what a cluster is like, as the real ones would.

What needs no cluster (lint, template, a dry run at the client) goes to the real helm, once for the same arguments.
Every call is kept in `calls`. Shapes: helm 4.1.4 (history, status, get), Kubernetes 1.35 (pods, events, refusals).
It is started some hundred times, so it imports little.
"""

import json
import os
import sys

FOLDER = os.environ["USHER_STAND_IN"]
STATE = f"{FOLDER}/cluster.json"
CALLS = f"{FOLDER}/calls"
NO_ANSWER = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
NEVER = "0001-01-01T00:00:00Z"
BEGAN = "2026-11-01T10:00:00.123456789Z"


def main():
    name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
    with open(CALLS, "a") as calls:
        calls.write(json.dumps([name, *arguments]) + "\n")
    cluster = read()
    sys.exit((helm if name == "helm" else kubectl)(cluster, arguments) or 0)


def read():
    with open(STATE) as file:
        return json.load(file)


def keep(cluster):
    fresh = f"{STATE}.{os.getpid()}"
    with open(fresh, "w") as file:
        json.dump(cluster, file)
    os.replace(fresh, STATE)


def fail(text):
    sys.stderr.write(text + "\n")
    return 1


def after(arguments, option, otherwise=""):
    return arguments[arguments.index(option) + 1] if option in arguments else otherwise


def real_helm(*arguments):
    """Exit code, stdout, stderr."""
    import hashlib
    import subprocess

    name = hashlib.sha256("\0".join(arguments).encode()).hexdigest()
    kept = f"{os.environ['USHER_REAL_HELM_SAID']}/{name}"
    if not os.path.exists(kept):
        command = [os.environ["USHER_REAL_HELM"], *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        with open(f"{kept}.{os.getpid()}", "w") as file:
            json.dump([done.returncode, done.stdout, done.stderr], file)
        os.replace(f"{kept}.{os.getpid()}", kept)
    with open(kept) as file:
        return json.load(file)


def helm(cluster, arguments):
    command = arguments[0]
    if command == "version":
        sys.stdout.write(cluster["helm"])
        return 0
    if command in {"lint", "template", "install"}:
        code, said, complained = real_helm(*arguments)
        sys.stdout.write(said)
        sys.stderr.write(complained)
        return code
    if cluster["unreachable"]:
        return fail(f"Error: Kubernetes cluster unreachable: {NO_ANSWER}")
    return {
        "history": history, "status": status, "get": get, "upgrade": upgrade, "rollback": rollback, "test": test,
    }[command](cluster, arguments)  # fmt: skip


def history(cluster, arguments):
    if cluster["history"]:
        return fail(cluster["history"])
    if not cluster["revisions"]:
        return fail("Error: release: not found")
    if cluster["ended"]:  # somebody's helm ends what was pending, right after we have asked
        rest = [{**each, "status": "deployed"} if each["status"].startswith("pending") else each
                for each in cluster["revisions"]]  # fmt: skip
        keep({**cluster, "revisions": rest})
    keys = ("revision", "updated", "status", "chart", "app_version", "description")
    rows = [{key: each.get(key, "") for key in keys} for each in cluster["revisions"]]
    sys.stdout.write(json.dumps(rows))
    return 0


def revision_of(cluster, arguments):
    number = int(after(arguments, "--revision", "0")) or cluster["revisions"][-1]["revision"]
    return next(each for each in cluster["revisions"] if each["revision"] == number)


def status(cluster, arguments):
    each = revision_of(cluster, arguments)
    run = {"phase": each["smoke"], "started_at": BEGAN, "completed_at": BEGAN}
    if not each["smoke"]:
        run |= {"started_at": NEVER, "completed_at": NEVER}
    hooks = [
        {"name": "usher-topics", "kind": "Job", "events": ["pre-install", "pre-upgrade"], "last_run": {"phase": ""}},
        {"name": "usher-smoke", "kind": "Pod", "events": ["test"], "last_run": run},
    ]
    sys.stdout.write(json.dumps({"name": "usher", "version": each["revision"], "hooks": hooks}))
    return 0


def get(cluster, arguments):
    each = revision_of(cluster, arguments)
    what = arguments[1]
    sys.stdout.write(json.dumps(each["values"]) if what == "values" else each[what])
    return 0


def add(cluster, status, description, manifest, values):
    for each in cluster["revisions"]:
        if status == "deployed" and each["status"] == "deployed":
            each["status"] = "superseded"
    number = cluster["revisions"][-1]["revision"] + 1 if cluster["revisions"] else 1
    cluster["revisions"].append(
        {"revision": number, "updated": BEGAN, "status": status, "description": description, "chart": "usher-0.1.0",
         "app_version": "0.1.0", "manifest": manifest, "hooks": "", "values": values, "smoke": ""}
    )  # fmt: skip
    keep(cluster)


def upgrade(cluster, arguments):
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    outcome = cluster["upgrade"]
    if outcome == "conflict":
        return fail("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress")
    options = [part for index, part in enumerate(arguments) if part in {"--values", "--set", "--set-string"}
               or arguments[index - 1] in {"--values", "--set", "--set-string"}]  # fmt: skip
    _, manifest, _ = real_helm("template", *arguments[1:3], "--no-hooks", *options)
    cluster["workloads"], cluster["pods"] = cluster["workloads_after"], cluster["pods_after"]
    if outcome == "ok":
        add(cluster, "deployed", after(arguments, "--description"), manifest, {})
        return 0
    keep(cluster)
    if outcome == "told to stop":
        until_told_to_stop()
    else:
        until_asked("deployments")  # by a look that began after all has changed
        until_asked('"get", "pods"')
    add(cluster, "failed", "Upgrade failed: context deadline exceeded", manifest, {})
    until_asked("status=failed")
    cluster["pods"] = []
    if outcome == "removed":
        cluster["revisions"] = []
        keep(cluster)
    elif outcome in {"rolled back", "told to stop"}:
        back = next(each for each in reversed(cluster["revisions"]) if each["status"] == "deployed")
        add(cluster, "deployed", f"Rollback to {back['revision']}", back["manifest"], back["values"])
    return fail(
        "Error: UPGRADE FAILED: release usher failed, and has been rolled back due to rollback-on-failure being set"
    )


def until_told_to_stop():
    """As helm does, which goes back then."""
    import signal

    with open(f"{FOLDER}/waits", "w"):
        pass  # whoever reads it knows
    signal.sigtimedwait([signal.SIGTERM], 60)


def until_asked(words):
    """Helm takes a while: here until somebody asks for this."""
    import time

    with open(CALLS) as calls:
        calls.seek(0, os.SEEK_END)
        seen = ""
        for _ in range(2000):
            seen += calls.read()
            if words in seen:
                return
            time.sleep(0.01)


def rollback(cluster, arguments):
    back = next(each for each in cluster["revisions"] if each["revision"] == int(arguments[2]))
    if cluster["rollback"] != "ok":
        return fail("Error: release usher failed: context deadline exceeded")
    add(cluster, "deployed", f"Rollback to {back['revision']}", back["manifest"], back["values"])
    return 0


def test(cluster, arguments):
    running = cluster["revisions"][-1]
    good = running["revision"] not in cluster["bad"]
    running["smoke"] = "Succeeded" if good else "Failed"
    keep(cluster)
    return 0 if good else fail("Error: 1 error occurred:\n\t* pod usher-smoke failed")


def kubectl(cluster, arguments):
    words = [each for each in arguments if not each.startswith("--")]
    if words[:2] == ["config", "view"]:
        return config(cluster, arguments)
    if cluster["unreachable"] == "no credentials":
        sys.stdout.write("Please enter Username: ")
        return fail("error: EOF")
    if cluster["unreachable"]:
        return fail(NO_ANSWER)
    if words[0] == "version":
        sys.stdout.write(json.dumps({"clientVersion": {}, "serverVersion": {"gitVersion": cluster["version"]}}))
    elif words[0] == "api-versions":
        sys.stdout.write("\n".join(cluster["api_versions"]))
    elif words[0] == "apply":
        given = sys.stdin.read()
        if cluster["apply"]:
            return fail(cluster["apply"])
        if after(arguments, "--output") == "json":
            sys.stdout.write(given)
    elif words[0] == "create":
        return create(cluster, arguments)
    elif words[0] == "logs":
        sys.stdout.write(cluster["logs"].get(words[1], ""))
    elif words[:2] == ["delete", "secrets"]:
        found = records(cluster, after(arguments, "--selector"))
        cluster["revisions"] = [each for each in cluster["revisions"] if each not in found]
        keep(cluster)
        sys.stdout.write("\n".join(f"secret/sh.helm.release.v1.usher.v{each['revision']}" for each in found))
    elif words[0] == "get":
        return get_objects(cluster, words, arguments)
    return 0


def config(cluster, arguments):
    context = after(arguments, "--context", cluster["context"])
    if context != cluster["context"]:
        return fail(f"error: cannot locate context {context}" if context else "error: current-context must exist")
    if not context:
        return fail("error: current-context must exist in order to minify")
    view = {"current-context": context, "clusters": [{"cluster": {"server": "https://10.0.0.1:6443"}}]}
    sys.stdout.write(json.dumps(view))
    return 0


def records(cluster, selector):
    """Revisions whose records fit, as labels of helm's Secrets are: version=2,status=failed or status in (a,b)."""
    version = selector.partition("version=")[2].partition(",")[0]
    states = selector.partition("status")[2].removeprefix("=").removeprefix(" in (").removesuffix(")").split(",")
    assert selector.startswith("owner=helm,name=usher,")
    return [each for each in cluster["revisions"] if str(each["revision"]) == version and each["status"] in states]


def create(cluster, arguments):
    job = json.load(sys.stdin)
    if cluster["apply"]:
        return fail(cluster["apply"])
    job["metadata"]["name"] = job["metadata"].pop("generateName") + "x7q2p"
    if "--dry-run=server" not in arguments:
        keep({**cluster, "job": job})
    sys.stdout.write(json.dumps(job))
    return 0


def job_as_it_is(cluster):
    """It ends as `job_ends` says: with an exit code, or, where that is None, at its deadline, and its pods are gone."""
    code = cluster["job_ends"]
    reason = {"type": "Complete"} if code == 0 else {"type": "Failed", "reason": "DeadlineExceeded"}
    return {**cluster["job"], "status": {"conditions": [{**reason, "status": "True"}]}}


def pods_of_job(cluster):
    if cluster["job_ends"] is None:
        return []
    ended = {"terminated": {"exitCode": cluster["job_ends"]}}
    return [{"status": {"containerStatuses": [{"name": "it", "state": ended}]}}]


def get_objects(cluster, words, arguments):
    if "--filename" in arguments:
        return get_given(cluster, json.load(sys.stdin)["items"])
    kind = words[1]
    if kind == "job":
        sys.stdout.write(json.dumps(job_as_it_is(cluster)))
        return 0
    if kind == "pods" and "job-name=" in after(arguments, "--selector"):
        sys.stdout.write(json.dumps({"kind": "List", "items": pods_of_job(cluster)}))
        return 0
    if kind == "namespace":
        if words[2] not in cluster["namespaces"]:
            return fail(f'Error from server (NotFound): namespaces "{words[2]}" not found')
        return 0
    if kind == "secret":
        if cluster["secrets"] is None:
            return fail(f'Error from server (Forbidden): secrets "{words[2]}" is forbidden: User "planner" cannot get '
                        'resource "secrets" in API group "" in the namespace "usher"')  # fmt: skip
        if words[2] not in cluster["secrets"]:
            return fail(f'Error from server (NotFound): secrets "{words[2]}" not found')
        sys.stdout.write("\n".join(cluster["secrets"][words[2]]))
        return 0
    if kind == "secrets":
        found = records(cluster, after(arguments, "--selector"))
        sys.stdout.write("\n".join(f"secret/sh.helm.release.v1.usher.v{each['revision']}" for each in found))
        return 0
    items = cluster[{"pods": "pods", "events": "events"}.get(kind, "workloads")]
    sys.stdout.write(json.dumps({"kind": "List", "items": items}))
    return 0


def get_given(cluster, given):
    """What was given is there, but for how `live` says that it is by now."""
    for each in given:
        whose = {"meta.helm.sh/release-name": "usher", "meta.helm.sh/release-namespace": "usher"}
        each["metadata"]["annotations"] = {**each["metadata"].get("annotations", {}), **whose}
        each["metadata"] |= {"uid": "1", "managedFields": [], "resourceVersion": "7"}
        each["metadata"]["annotations"] |= cluster["applied"]
        each["status"] = {"observedGeneration": 1}
        if each["kind"] == "Deployment":
            each["spec"] |= cluster["live"].get(each["metadata"]["name"], {})
    sys.stdout.write(json.dumps({"kind": "List", "items": given}))
    return 0


if __name__ == "__main__":
    main()
