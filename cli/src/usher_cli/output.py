"""What the commands print: tables for people, one JSON document for programs, failures on stderr."""

import json
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape


def out() -> Console:
    """Where answers go; made for each use so that a redirected stdout is respected."""
    return Console(highlight=False, soft_wrap=True)


def print_json(document: object) -> None:
    """One JSON document on stdout, nothing else."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))  # noqa: T201 - programs read this


def complain(message: str) -> None:
    """A failure on stderr: the first line in red, what follows (log lines) dimmed."""
    first, _, rest = message.partition("\n")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]error:[/] {escape(first)}")
    if rest:
        console.print(escape(rest), style="dim")


def aside(message: str) -> None:
    """What a person is to know meanwhile, on stderr, so that programs read answers alone."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(message), style="dim")


def mebibytes(count: int) -> str:
    """A size as people read it."""
    return f"{count / 1024**2:,.0f} MiB"


def duration(seconds: float | None) -> str:
    """A length of time with one or two units."""
    if seconds is None:
        return ""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """Where people find the parts of a running stack."""
    host = "127.0.0.1"
    return {
        "API (JSON, gRPC, gRPC-Web)": f"http://{host}:{ports['gateway']}",
        "API reference": f"http://{host}:{ports['gateway']}/docs",
        "Envoy admin": f"http://{host}:{ports['gateway_admin']}",
        "MongoDB": f"mongodb://{host}:{ports['mongodb']}/?replicaSet=secantus",
        "Kafka": f"{host}:{ports['kafka']}",
        "Elasticsearch": f"http://{host}:{ports['elasticsearch']}",
        "mail catcher (SMTP)": f"{host}:{ports['smtp']}",
    }
