"""The service level objectives of slos.yaml."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from monitoring_config.places import OBJECTIVES
from monitoring_config.promql import FAILURES

KINDS = ("availability", "latency", "freshness")
# Of the histograms' bounds those that an objective may name, as prometheus_client spells them.
_HISTOGRAMS = {"latency": "usher_rpc_server_seconds", "freshness": "usher_consumer_delay_seconds"}
# A second, in windows that can wake somebody: of fewer than 36 an hour one that fails would. That a service is away,
# other alerts tell; longer windows of a young installation hold little, and are heeded together with a short one.
LEAST = 0.01
SHORT = ("5m", "30m", "1h")


class ObjectivesMalformed(Exception):
    """slos.yaml says something it cannot mean; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One promise. percent: how many of a hundred are good; seconds: 0 where time does not count."""

    service: str
    kind: str
    percent: float
    seconds: float = 0.0
    streams: tuple[str, ...] = ()

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.percent / 100, 6)

    def bad_share(self, window: str) -> str:
        """PromQL: which share of what happened in `window` was bad; nothing where hardly anything happened."""
        job, least = f'job="{self.service}"', LEAST if window in SHORT else 0
        if self.kind == "availability":
            handled = f"usher_rpc_server_handled_total{{{job}}}[{window}]"
            failed = f'usher_rpc_server_handled_total{{{job}, code=~"{FAILURES}"}}[{window}]'
            whole = _summed(handled)
            return f"({_summed(failed)} or 0 * {whole}) / ({whole} > {least})"
        histogram = _HISTOGRAMS[self.kind]
        if self.streams and self.kind == "latency":
            job += f', method!~".*/({"|".join(self.streams)})"'
        good = f'{histogram}_bucket{{{job}, le="{self.seconds!r}"}}[{window}]'
        return f"1 - {_summed(good)} / ({_summed(f'{histogram}_count{{{job}}}[{window}]')} > {least})"


def objectives(path: Path = OBJECTIVES) -> tuple[Objective, ...]:
    """All of them, service by service. ObjectivesMalformed."""
    document = yaml.safe_load(path.read_text())
    streams = tuple(document["streams"])
    return tuple(_read(document["services"], streams))


def _read(services: Mapping[str, Mapping[str, Mapping[str, Any]]], streams: tuple[str, ...]) -> Iterator[Objective]:
    for service, kinds in services.items():
        for kind, says in kinds.items():
            where = f"{service}.{kind}"
            if kind not in KINDS:
                raise ObjectivesMalformed(f"{where}: a promise is one of {', '.join(KINDS)}")
            if says.keys() != ({"percent"} if kind == "availability" else {"percent", "seconds"}):
                raise ObjectivesMalformed(f"{where}: has {', '.join(says)}")
            percent, seconds = float(says["percent"]), float(says.get("seconds", 0))
            if not 0 < percent < 100 or not math.isfinite(seconds):
                raise ObjectivesMalformed(f"{where}: {percent} per cent within {seconds} s cannot be promised")
            yield Objective(service=service, kind=kind, percent=percent, seconds=seconds, streams=streams)


def _summed(counter: str) -> str:
    return f"sum by (namespace, job) (rate({counter}))"
