"""up, down, status, logs, doctor: the processes of a stack."""

import asyncio
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from local_stack.doctor import examine
from local_stack.inspection import StackStatus, inspect
from local_stack.lifecycle import log_of
from local_stack.log_reading import follow, last_lines_of
from local_stack.platform_processes import Traces
from local_stack.readiness import LOOPBACK
from local_stack.stack import GATEWAY_PORT, Stack, default_folder
from local_stack.state import StackState
from usher_cli import options
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import addresses, duration, mebibytes, out, print_json
from usher_cli.progress import shown


class Engines(StrEnum):
    """Which Kafka and Elasticsearch a new stack gets."""

    EMBEDDED = "embedded"
    NATIVE = "native"


@told
def up(
    data: Data = None,
    engines: Annotated[
        Engines | None, typer.Option(help="Engines of a new stack; native: Apache Kafka and Elasticsearch on Java 17.")
    ] = None,
    port_base: Annotated[int | None, typer.Option(help="First of the ports to use, instead of free ones.")] = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE=NUMBER", help="Processes of a service, such as booking=2 (repeatable)."),
    ] = None,
    observe: Annotated[
        bool | None, typer.Option(help="With Prometheus and, where it is here, Grafana; as before when not said.")
    ] = None,
    traces: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send traces there (OTLP over gRPC), such as http://127.0.0.1:4317."),
    ] = None,
    trace_ratio: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of requests that are traced.")] = 1.0,
    only: Annotated[list[str] | None, typer.Option(help="Start only this process (repeatable).")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", "-f", help="Show the logs; ctrl-C stops all.")] = False,
    as_json: Json = False,
) -> None:
    """Start what is not running and wait until everything serves."""
    stack = stack_of(data)
    preferred = {"gateway": GATEWAY_PORT} if stack.folder == default_folder() else {}
    with shown(quiet=as_json) as progress:
        state = asyncio.run(
            stack.up(
                engines=engines.value if engines else None,
                port_base=port_base,
                preferred=preferred,
                replicas=_numbers(replicas) if replicas else None,
                observe=observe,
                only=only or (),
                traces=Traces(traces, trace_ratio) if traces else None,
                progress=progress,
            )
        )
    if as_json:
        print_json({"ready_seconds": state.ready_seconds, "addresses": _places(state)})
    else:
        show_addresses(stack, state)
    if foreground:
        asyncio.run(_in_foreground(stack))


def _places(state: StackState) -> dict[str, str]:
    """Where everything is that has been started."""
    observers = {"Prometheus": "prometheus", "Grafana": "grafana"}
    watching = {
        what: f"http://{LOOPBACK}:{state.ports[name]}" for what, name in observers.items() if name in state.processes
    }
    return {**addresses(state.ports), **(watching if state.observed else {})}


def _numbers(given: list[str]) -> dict[str, int]:
    """What `--replicas booking=2` says."""
    numbers = {}
    for each in given:
        name, _, number = each.partition("=")
        if not number.isdecimal():
            raise CommandFailure(f"--replicas takes SERVICE=NUMBER, such as booking=2, not {each}")
        numbers[name] = int(number)
    return numbers


def show_addresses(stack: Stack, state: StackState) -> None:
    """Where everything is and how to end it."""
    console = out()
    console.print(f"\nready in [bold]{state.ready_seconds} s[/], data in {stack.folder}")
    for what, where in _places(state).items():
        console.print(f"  {what:28}{where}", markup=False)
    option = "" if stack.folder == default_folder() else f" --data {stack.folder}"
    console.print(f"\n`usher status{option}` shows it, `usher down{option}` (or `make down`) stops it; data stays.")


async def _in_foreground(stack: Stack) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    names = list(stack.state().processes)
    reading = asyncio.create_task(_print_logs(stack, names))
    try:
        await stopped.wait()
    finally:
        reading.cancel()
        with shown() as progress:
            await stack.down(progress)


async def _print_logs(stack: Stack, names: list[str]) -> None:
    console = out()
    width = max(map(len, names))
    async for name, line in follow({name: log_of(stack.folder, name) for name in names}):
        console.print(f"{name:{width}} | {line}", markup=False)


@told
def down(data: Data = None, as_json: Json = False) -> None:
    """Stop every process of the stack, gateway first; data stays."""
    stack = stack_of(data)
    with shown(quiet=as_json) as progress:
        outcomes = asyncio.run(stack.down(progress))
    if as_json:
        print_json({"stopped": outcomes})
    elif not any(outcome != "was not running" for outcome in outcomes.values()):
        out().print("nothing was running")


@told
def status(data: Data = None, as_json: Json = False) -> None:
    """Show process, pid, port, health and memory; exit code 3 when something does not serve."""
    stack = stack_of(data)
    state = stack.state()
    found = asyncio.run(inspect(stack.specs(), state))
    if as_json:
        print_json(_as_document(found, state))
    else:
        _show(found, stack)
    if not found.serving:
        raise typer.Exit(options.NOT_SERVING)


def _as_document(found: StackStatus, state: StackState) -> dict[str, object]:
    return {
        "serving": found.serving,
        "engines": found.engines,
        "ready_seconds": found.ready_seconds,
        "gateway": f"http://{LOOPBACK}:{state.ports['gateway']}",
        "ports": dict(state.ports),
        "processes": [
            {
                "name": row.name,
                "pid": row.pid,
                "port": row.port,
                "health": row.health,
                "resident_bytes": row.resident_bytes,
                "uptime_seconds": row.uptime_seconds,
            }
            for row in found.processes
        ],
        "totals": {
            "services_resident_bytes": found.resident_bytes(services_only=True),
            "resident_bytes": found.resident_bytes(),
        },
    }


def _show(found: StackStatus, stack: Stack) -> None:
    table = Table(box=None, pad_edge=False)
    for heading, justify in [("process", "left"), ("pid", "right"), ("port", "right"), ("health", "left")]:
        table.add_column(heading, justify="right" if justify == "right" else "left")
    table.add_column("memory", justify="right")
    table.add_column("up", justify="right")
    for row in found.processes:
        colour = "green" if row.health == "SERVING" else "red"
        table.add_row(
            row.name,
            str(row.pid or ""),
            str(row.port),
            f"[{colour}]{row.health}[/]",
            mebibytes(row.resident_bytes) if row.pid else "",
            duration(row.uptime_seconds),
        )
    console = out()
    console.print(table)
    ready = f"ready in {found.ready_seconds} s; " if found.ready_seconds else ""
    console.print(
        f"\n{ready}seven services {mebibytes(found.resident_bytes(services_only=True))}, "
        f"everything {mebibytes(found.resident_bytes())}; {found.engines} engines; data in {stack.folder}"
    )


@told
def logs(
    process: Annotated[str, typer.Argument(help="A process as `usher status` names it.")],
    data: Data = None,
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on until ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """Print what a process has written."""
    stack = stack_of(data)
    known = [spec.name for spec in stack.specs()]
    if process not in known:
        raise options.CommandFailure(f"no process {process}; there are {', '.join(known)}")
    path = log_of(stack.folder, process)
    console = out()
    for line in last_lines_of(path, lines):
        console.print(line, markup=False)
    if follow_on:
        asyncio.run(_follow_until_interrupted(path))


async def _follow_until_interrupted(path: Path) -> None:
    loop = asyncio.get_running_loop()
    reading = asyncio.current_task()
    if reading is not None:
        loop.add_signal_handler(signal.SIGINT, reading.cancel)
    console = out()
    try:
        async for _, line in follow({path.stem: path}):
            console.print(line, markup=False)
    except asyncio.CancelledError:
        return  # ctrl-C is how following ends


@told
def doctor(data: Data = None, as_json: Json = False) -> None:
    """Explain what is missing or which port is taken; exit code 1 when a stack could not start."""
    findings = examine(stack_of(data))
    if as_json:
        print_json(
            [{"what": each.what, "fine": each.fine, "needed": each.needed, "remedy": each.remedy} for each in findings]
        )
    else:
        console = out()
        for each in findings:
            mark = "[green]ok[/]  " if each.fine else "[red]no[/]  " if each.needed else "[yellow]--[/]  "
            console.print(mark + each.what + ("" if each.fine else f" [dim]({each.remedy})[/]"))
    if any(each.needed and not each.fine for each in findings):
        raise typer.Exit(options.FAILED)
