"""The words in which dashboards are described: boards of sections of panels, each panel with its queries in PromQL.

A query may say three things that its board fills in: SCOPE (matchers of the services and instances that are looked at),
GATEWAY (the same for Envoy) and EVERYWHERE (only the namespace).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lines", "areas", "number"]
WIDTH = 24
"""Columns of a dashboard."""

NAMESPACE = 'namespace=~"$namespace"'
INSTANCE = 'instance=~"$instance"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    queries: legend → PromQL; a legend may name labels as {{label}}. unit: as Grafana calls it. warn, alarm: from where
    on it is yellow and red (below which, where alarm is the smaller one). alert: whose runbook it links to.
    """

    title: str
    text: str
    unit: str
    queries: Mapping[str, str]
    kind: Kind = "lines"
    width: int = 8
    warn: float | None = None
    alarm: float | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard. service: the one that it is about; empty: those that a reader chooses."""

    name: str
    title: str
    text: str
    sections: tuple[Section, ...]
    service: str = ""
    tags: tuple[str, ...] = field(default=("usher",))

    def panels(self) -> Iterator[Panel]:
        """All of them."""
        for section in self.sections:
            yield from section.panels

    def filled_in(self, query: str) -> str:
        """A query with the matchers of this board."""
        job = f'job="{self.service}"' if self.service else 'job=~"$service"'
        for word, matchers in {
            "SCOPE": f"{NAMESPACE}, {job}, {INSTANCE}",
            "GATEWAY": f'{NAMESPACE}, job="gateway"',
            "EVERYWHERE": NAMESPACE,
        }.items():
            query = query.replace(word, matchers)
        return query


def lines(title: str, text: str, unit: str, queries: Mapping[str, str], *, width: int = 8, alert: str = "") -> Panel:
    """How something went, a line for each series."""
    return Panel(title=title, text=text, unit=unit, queries=queries, width=width, alert=alert)


def areas(title: str, text: str, unit: str, queries: Mapping[str, str], *, width: int = 8, alert: str = "") -> Panel:
    """Parts of a whole, one on top of the other."""
    return Panel(title=title, text=text, unit=unit, queries=queries, kind="areas", width=width, alert=alert)


def number(
    title: str,
    text: str,
    unit: str,
    query: str,
    *,
    warn: float | None = None,
    alarm: float | None = None,
    alert: str = "",
    width: int = 4,
) -> Panel:
    """What holds now."""
    return Panel(
        title=title,
        text=text,
        unit=unit,
        queries={"": query},
        kind="number",
        width=width,
        warn=warn,
        alarm=alarm,
        alert=alert,
    )
