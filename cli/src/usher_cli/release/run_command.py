"""usher release run: a command of a service where its stores are, for operators."""

import shlex
from typing import Annotated, Any

import typer

from local_stack.platform_processes import SERVICES
from usher_cli.options import Json
from usher_cli.output import complain, out, print_json
from usher_cli.release import jobs, planning
from usher_cli.release.cluster import require_configured
from usher_cli.release.manifests import label_of
from usher_cli.release.options import Context, DryRun, Environment, Name, Namespace, Yes, confirm, told
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.policies import findings
from usher_cli.release.programs import programs_for
from usher_cli.release.target import target_of

READS = {"dead-letters", "verify"}
"""These change nothing, so nobody is asked."""
SERVING = {"serve"}

Limit = Annotated[str, typer.Option("--timeout", help="How long the command may take: 90s, 10m, 6h.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="-- SERVICE COMMAND …",
        help="What `python -m SERVICE_service` takes: dead-letters, redrive, forget, replay, …; payment: verify.",
        show_default=False,
    ),
]


def run(
    environment: Environment = "",
    words: Words = None,
    release: Name = "usher",
    namespace: Namespace = "usher",
    context: Context = "",
    timeout: Limit = "1h",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run a command of a service as a job with what runs there; prints its log, ends with its exit code."""
    document: dict[str, Any] = {"command": "run"}
    with told(document, as_json=as_json):
        target = target_of(environment, release=release, namespace=namespace, context=context, timeout=timeout)
        service, *command = words or [""]
        if service not in SERVICES or not command or command[0] in SERVING:
            example = f"usher release run {environment} -- booking replay --subject events/…"
            raise Trouble(
                Exit.BAD_INPUT, f"say a service ({', '.join(SERVICES)}) and what it is to do, such as `{example}`"
            )
        document |= {"environment": environment, "release": release, "namespace": namespace}
        document |= {"service": service, "arguments": command}
        programs = programs_for(target)
        place = require_configured(programs)
        deployment = jobs.deployment_of(programs, service)
        there = frozenset({label_of(deployment, "environment")}) - {""}
        planning.require_same_environment(there, environment, remedy="", change=False)
        job = jobs.job_of(deployment, command, target.timeout_seconds)
        if wrong := findings([{**job, "metadata": {**job["metadata"], "name": service}}]):
            raise Trouble(Exit.REFUSED, f"{len(wrong)} findings against the policies of a release", *wrong)
        if not dry_run and command[0] not in READS:
            what = f"{service} {shlex.join(command)} in namespace {namespace} of {place.context} ({place.server})"
            confirm(environment, what, yes=yes, there=there)
        name = jobs.made(programs, job, dry_run=dry_run)
        document["job"] = name
        if dry_run:
            _done({**document, "manifest": job}, "checked", 0, as_json=as_json)
            return
        done = jobs.ended(programs, name)
        for note in done.notes:
            complain(note)
        if not as_json:
            out().print(done.log.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        _done({**document, "log": done.log.splitlines()}, "ended", done.code, as_json=as_json)


def _done(document: dict[str, Any], outcome: str, code: int, *, as_json: bool) -> None:
    if as_json:
        print_json({**document, "exit_code": code, "outcome": outcome})
    elif outcome == "checked":
        job = document["job"]
        out().print(f"the API server would take job {job}; nothing was changed", markup=False)
    if code:
        raise typer.Exit(code)
