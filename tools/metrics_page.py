"""Writes docs/metrics.md from what the services declare: `python tools/metrics_page.py`."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from local_stack.platform_processes import SERVICES
from telemetry import Declared, families

PAGE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
INTRODUCTION = """# Metrics
Written by `python tools/metrics_page.py` from what the services declare (`telemetry/families.py` and each service's
`metrics.py`); a metric can only be made from its declaration, and tests compare what a service shows with it.

Every service answers scrapes at `/metrics` of its metrics port. Names follow Prometheus: base units, `_total` for
counters; histograms have `_bucket`, `_sum` and `_count`. Which process a sample is from, the scrape adds as `job` and
`instance`. Labels have few values, never an id or an address. *Only …* says when a metric of a healthy, busy service
has a sample at all: until then queries over it are empty. Besides there are `process_*`, and Envoy's own (`/metrics` of
the gateway).
"""
CHAPTERS: Mapping[str, Sequence[Declared]] = {
    "Every service": families.EVERY_SERVICE,
    "Services that publish domain events": families.PUBLISHES,
    "Services that read domain events": families.CONSUMES,
    "Calls of other services": families.CALLS_SERVICES,
    "Calls of what is not ours": (*families.CALLS, *families.BULKHEADS),
    "Elasticsearch": families.INDEXES,
}


def declared() -> dict[str, Sequence[Declared]]:
    """What each service declares."""
    return {service: import_module(f"{service}_service.metrics").METRICS for service in SERVICES}


def page() -> str:
    """The whole page."""
    by_service = declared()
    shared = {metric for chapter in CHAPTERS.values() for metric in chapter}
    lines = [INTRODUCTION]
    for title, metrics in CHAPTERS.items():
        lines += _chapter(title, metrics, by_service)
    for service, metrics in by_service.items():
        own = [metric for metric in metrics if metric not in shared]
        if own:
            lines += _chapter(f"The {service} service", own, {service: own})
    return "\n".join(lines).rstrip("\n") + "\n"


def _chapter(title: str, metrics: Sequence[Declared], by_service: Mapping[str, Sequence[Declared]]) -> list[str]:
    of = {metric: [name for name, all_ in by_service.items() if metric in all_] for metric in metrics}
    alike = len({tuple(names) for names in of.values()}) == 1
    who = ", ".join(of[metrics[0]]) if alike and len(of[metrics[0]]) not in (1, len(SERVICES)) else ""
    heading = f"## {title}" + (f" ({who})" if who else "")
    lines = [heading, "| metric | kind | labels | what |", "| --- | --- | --- | --- |"]
    for metric in metrics:
        labels = "; ".join(f"`{label}`: {values}" for label, values in metric.labels.items())
        told = metric.text + (f" *Only {metric.rare}.*" if metric.rare else "")
        if not alike:
            told += f" ({', '.join(of[metric])})"
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {told} |")
    return [*lines, ""]


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
