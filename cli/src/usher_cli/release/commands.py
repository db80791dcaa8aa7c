"""usher release: what a release would change, make it, take it back, show it."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from usher_cli.options import Json
from usher_cli.output import out, print_json
from usher_cli.progress import shown
from usher_cli.release import deploying, options, planning, reporting
from usher_cli.release.cluster import require_configured, version_of_cluster
from usher_cli.release.history import (
    PENDING,
    History,
    Revision,
    clear,
    history_of,
    passed_its_test,
    refuse_when_stuck,
    smoke_of,
    status_of,
    stuck_line,
)
from usher_cli.release.options import (
    ChangeEnvironment,
    Context,
    DryRun,
    Environment,
    Force,
    Name,
    Namespace,
    Timeout,
    Yes,
    confirm,
    told,
)
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, programs_for
from usher_cli.release.rollout import WORKLOADS, part_of
from usher_cli.release.run_command import run
from usher_cli.release.signatures import Signer
from usher_cli.release.target import Target, target_of


def build() -> typer.Typer:
    """The commands under `usher release`."""
    commands = typer.Typer(
        help="Releases in a cluster, by the chart in deploy/helm/usher.",
        epilog="Exit codes: " + ", ".join(f"{each.value} {each.name.lower().replace('_', ' ')}" for each in Exit) + ".",
        cls=options.ReleaseGroup,
        no_args_is_help=True,
    )
    for command in (plan, deploy, rollback, status, run):
        commands.command()(command)
    return commands


def _document(command: str, target: Target | None = None) -> dict[str, Any]:
    if target is None:
        return {"command": command}
    return {
        "command": command,
        "environment": target.environment,
        "release": target.release,
        "namespace": target.namespace,
    }


def plan(
    environment: Environment = "",
    tag: options.Tag = "",
    registry: options.Registry = "",
    values: options.Values = None,
    sets: options.Sets = None,
    texts: options.Texts = None,
    release: Name = "usher",
    namespace: Namespace = "usher",
    context: Context = "",
    against: Annotated[
        str, typer.Option(metavar="COMMIT", help="Compare with the chart of a commit, not a cluster.")
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no cluster: the same as --against HEAD.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Compare with the objects themselves (asks for the rights of a deploy).")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    force: Force = False,
    change_environment: ChangeEnvironment = False,
    as_json: Json = False,
) -> None:
    """Show what a release would change: exit code 0 nothing, 2 something, others as in docs/operations.md."""
    del yes, dry_run  # a plan asks nothing and changes nothing
    document = _document("plan")
    with told(document, as_json=as_json):
        target = target_of(
            environment, release=release, namespace=namespace, context=context,
            tag=tag, registry=registry, values=values or (), sets=sets or (), texts=texts or (),
        )  # fmt: skip
        document |= _document("plan", target)
        programs = programs_for(target)
        unanswered = None
        try:
            made = planning.plan(programs, against=against, offline=offline, live=live, force=force)
        except Trouble as trouble:
            if trouble.code is not Exit.UNREACHABLE:
                raise
            unanswered = trouble
            made = planning.offline_plan(programs, "HEAD", str(trouble))
        planning.require_same_environment(made.baseline.environments, target.environment, change=change_environment)
        document |= reporting.plan_document(made)
        if not as_json:
            out().print(f"plan for {environment}: release {release} in namespace {namespace}", markup=False)
            reporting.show_plan(made)
        if unanswered:
            raise unanswered
        code = Exit.CHANGES if made.changes else Exit.DONE
        if as_json:
            print_json({**document, "exit_code": int(code), "outcome": "changes" if made.changes else "no changes"})
        if code:
            raise typer.Exit(code)


def deploy(
    environment: Environment = "",
    tag: options.Tag = "",
    registry: options.Registry = "",
    values: options.Values = None,
    sets: options.Sets = None,
    texts: options.Texts = None,
    release: Name = "usher",
    namespace: Namespace = "usher",
    context: Context = "",
    timeout: Timeout = "10m",
    signed_by: options.SignedBy = "",
    signature_issuer: options.SignatureIssuer = options.DEFAULT_ISSUER,
    smoke: Annotated[bool, typer.Option(help="Run the chart's tests afterwards, and go back when they fail.")] = True,
    yes: Yes = False,
    dry_run: DryRun = False,
    force: Force = False,
    change_environment: ChangeEnvironment = False,
    as_json: Json = False,
) -> None:
    """Check, upgrade and wait, test; a release that fails goes back by itself (exit code 5) and says why."""
    document = _document("deploy")
    with told(document, as_json=as_json):
        target = target_of(
            environment, release=release, namespace=namespace, context=context,
            tag=tag, registry=registry, values=values or (), sets=sets or (), texts=texts or (), timeout=timeout,
        )  # fmt: skip
        checks: list[dict[str, str]] = []
        document |= {**_document("deploy", target), "checks": checks}

        def tell(check: str, how: str) -> None:
            checks.append({"check": check, "outcome": how})
            if not as_json:
                sign = "[yellow]skip[/]" if how.startswith("skipped") else "[green]ok[/]  "
                out().print(f"{sign} {check} [dim]({escape(how)})[/]")

        programs = programs_for(target)
        made = deploying.prepared(
            programs, Signer(signed_by, signature_issuer), tell, force=force, change_environment=change_environment
        )
        document["plan"] = reporting.plan_document(made)
        if not as_json:
            reporting.show_plan(made, details=False)
        if dry_run:
            _done(document, "checked; nothing was changed", "checked", as_json=as_json)
            return
        there = made.baseline.environments
        confirm(environment, f"{release} {made.versions[1]} goes to {_where(made, programs)}", yes=yes, there=there)
        with shown(quiet=as_json) as progress:
            made_release = deploying.deploy(programs, made, progress, force=force, smoke=smoke)
        document |= {
            "revision": made_release.revision,
            "components": reporting.part_documents(made_release.parts),
            "smoke": made_release.smoke,
            "seconds": made_release.seconds,
        }
        said = (
            f"{release} {made.versions[1]} runs as revision {made_release.revision}, after {made_release.seconds:.0f} s"
        )
        _done(document, said, "deployed", as_json=as_json)


def _where(made: planning.Plan, programs: Programs) -> str:
    place = made.place
    where = f"{place.context} ({place.server})" if place else "the cluster"
    return f"namespace {programs.target.namespace} of {where}"


def _done(document: dict[str, Any], said: str, outcome: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**document, "exit_code": 0, "outcome": outcome})
    else:
        out().print(said, markup=False)


def rollback(
    environment: Environment = "",
    revision: Annotated[int, typer.Option(min=0, help="Which; 0: the last good one.")] = 0,
    release: Name = "usher",
    namespace: Namespace = "usher",
    context: Context = "",
    timeout: Timeout = "10m",
    smoke: Annotated[bool, typer.Option(help="Run the chart's tests afterwards.")] = True,
    yes: Yes = False,
    dry_run: DryRun = False,
    force: Force = False,
    change_environment: ChangeEnvironment = False,
    as_json: Json = False,
) -> None:
    """Bring back the last good revision: the newest that was ready, passed its test and is other than what runs."""
    document = _document("rollback")
    with told(document, as_json=as_json):
        target = target_of(environment, release=release, namespace=namespace, context=context, timeout=timeout)
        document |= _document("rollback", target)
        programs = programs_for(target)
        place = require_configured(programs)
        version_of_cluster(programs)
        history = history_of(programs)
        there = planning.environments_of(programs, history)
        planning.require_same_environment(there, target.environment, change=change_environment)
        refuse_when_stuck(programs, history, force=force)
        if history.stuck and not dry_run:
            confirm(environment, f"revision {history.stuck.number} of {release} is given up", yes=yes, there=there)
            clear(programs, history.stuck)
            history = history_of(programs)
        to = _wanted(programs, history, revision)
        made = deploying.plan_of_rollback(programs, to)
        there |= made.baseline.environments
        wanted = planning.environments_in(made.rendered.objects)  # a revision may be another environment's
        planning.require_same_environment(there | wanted, target.environment, change=change_environment)
        document |= {"to": to.number, "plan": reporting.plan_document(made)}
        if not as_json:
            out().print(f"back to revision {to.number} ({to.description}, {to.updated[:16]})", markup=False)
            reporting.show_plan(made, details=False)
        if dry_run:
            _done(document, "nothing was changed", "checked", as_json=as_json)
            return
        where = f"{place.context} ({place.server})"
        confirm(environment, f"{release} goes back to revision {to.number} in {where}", yes=yes, there=there | wanted)
        with shown(quiet=as_json) as progress:
            number = deploying.roll_back(programs, made, to, progress, force=force)
            tested, words = deploying.tested(programs) if smoke else (None, [])
        document |= {"revision": number, "smoke": tested}
        if words:
            raise Trouble(Exit.FAILED, f"revision {to.number} is back as {number}, and its smoke test failed", *words)
        _done(document, f"revision {to.number} is back, as revision {number}", "rolled back", as_json=as_json)


def _wanted(programs: Programs, history: History, asked: int) -> Revision:
    """The revision to bring back. Trouble."""
    name = programs.target.release
    if history.last is None:
        raise Trouble(Exit.BAD_INPUT, f"there is no release {name} in namespace {programs.target.namespace}")
    if asked:
        found = [each for each in history.revisions if each.number == asked]
        known = ", ".join(str(each.number) for each in history.revisions)
        if not found or found[0].status in PENDING:
            raise Trouble(Exit.BAD_INPUT, f"{name} has no revision {asked} to go back to; there are {known}")
        return found[0]
    good = history.last_good(passed_its_test(programs))
    if good is None:
        raise Trouble(
            Exit.BAD_INPUT, f"{name} has no earlier revision that was good: --revision names one all the same"
        )
    return good


def status(
    environment: Environment = "",
    release: Name = "usher",
    namespace: Namespace = "usher",
    context: Context = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Show revision, versions, ready replicas and the last smoke test; exit code 1 when something is not ready."""
    del yes, dry_run  # a status asks nothing and changes nothing
    document = _document("status")
    with told(document, as_json=as_json):
        target = target_of(environment, release=release, namespace=namespace, context=context)
        document |= _document("status", target)
        programs = programs_for(target)
        place = require_configured(programs)
        kubernetes = version_of_cluster(programs)
        history = history_of(programs)
        if history.last is None:
            raise Trouble(
                Exit.FAILED, f"there is no release {release} in namespace {namespace}: `make deploy ENV={environment}`"
            )
        there = planning.environments_of(programs, history)
        planning.require_same_environment(there, target.environment, remedy="", change=False)
        stuck = history.stuck
        document |= {"context": place.context, "kubernetes": kubernetes, **_state(programs, history)}
        if not as_json:
            _show_status(document)
        if stuck:
            raise Trouble(Exit.STUCK, stuck_line(programs, stuck))
        code = Exit.DONE if document["ready"] else Exit.FAILED
        if as_json:
            print_json({**document, "exit_code": int(code), "outcome": "ready" if document["ready"] else "not ready"})
        if code:
            raise typer.Exit(code)


def _state(programs: Programs, history: History) -> dict[str, Any]:
    selector = ("--selector", programs.target.selector)
    parts = [part_of(each, None) for each in programs.objects(WORKLOADS, *selector)]
    running, last = history.running, history.last
    return {
        "revision": running.number if running else None,
        "since": running.updated if running else None,
        "description": running.description if running else "",
        "last": {"revision": last.number, "status": last.status, "description": last.description} if last else None,
        "smoke": smoke_of(status_of(programs, running.number)) if running else None,
        "components": reporting.part_documents(sorted(parts, key=lambda each: (each.component, each.name))),
        "ready": running is not None and bool(parts) and all(each.phase == "ready" for each in parts),
    }


def _show_status(state: dict[str, Any]) -> None:
    console, last, smoke = out(), state["last"], state["smoke"]
    if state["revision"] is None:
        console.print(f"{state['release']}: no revision runs")
    else:
        console.print(
            f"{state['release']} ({state['environment']}) runs revision {state['revision']}, {state['description']}, "
            f"since {state['since'][:16]}; {state['context']}, Kubernetes {state['kubernetes']}",
            markup=False,
        )
    if last and last["revision"] != state["revision"]:
        console.print(
            f"the newest revision, {last['revision']}, is {last['status']}: {last['description']}", markup=False
        )
    if smoke:
        how = "passed" if smoke["passed"] else f"failed ({', '.join(smoke['failed'])})"
        console.print(f"smoke test {how}, {smoke['at'][:16]}", markup=False)
    else:
        console.print("smoke test never ran")
    reporting.show_parts(state["components"])
