"""Recording rules and alerts by which error budgets are watched.

Several windows and burn rates at once, as "Alerting on SLOs" of the Site Reliability Workbook (chapter 5, "Multiwindow,
Multi-Burn-Rate Alerts") has them for a budget of 30 days.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from monitoring_config.places import RUNBOOKS_MARK
from monitoring_config.slos import Objective

BAD = "job_slo:usher_bad:ratio_rate"
BUDGET = "job_slo:usher_budget:ratio"
# (burn rate, long window, short window): 2 % of the budget in an hour or 5 % in six; 10 % in a day or in three.
FAST = ((14.4, "1h", "5m"), (6.0, "6h", "30m"))
SLOW = ((3.0, "1d", "2h"), (1.0, "3d", "6h"))
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
LONG = {"2h", "6h", "1d", "3d"}
HEADER = "# Made of deploy/monitoring/slos.yaml by `python -m monitoring_config`; a test compares.\n"

Rule = Mapping[str, Any]


def rendered(objectives: Sequence[Objective]) -> str:
    """The groups, each rule on a line of its own."""
    text = HEADER
    for group in groups(objectives):
        interval = f", interval: {group['interval']}" if "interval" in group else ""
        text += f"- {{name: {group['name']}{interval}, rules: [\n"
        for rule in group["rules"]:
            line = yaml.safe_dump(rule, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
            text += f"    {line.strip()},\n"
        text += "  ]}\n"
    return text


def groups(objectives: Sequence[Objective]) -> list[Mapping[str, Any]]:
    """Long windows move slowly, so they are looked at less often."""
    return [
        {"name": "usher-slo", "rules": [*_budgets(objectives), *_shares(objectives, set(WINDOWS) - LONG)]},
        {"name": "usher-slo-long", "interval": "2m", "rules": [*_shares(objectives, LONG)]},
        {"name": "usher-slo-alerts", "rules": [_alert("Fast", FAST, "critical"), _alert("Slowly", SLOW, "warning")]},
    ]


def _budgets(objectives: Iterable[Objective]) -> Iterator[Rule]:
    for each in objectives:
        labels = {"job": each.service, "slo": each.kind}
        yield {"record": BUDGET, "labels": labels, "expr": f"vector({each.budget!r})"}


def _shares(objectives: Iterable[Objective], windows: Iterable[str]) -> Iterator[Rule]:
    for each in objectives:
        for window in sorted(windows, key=WINDOWS.index):
            labels = {"job": each.service, "slo": each.kind}
            yield {"record": BAD + window, "labels": labels, "expr": each.bad_share(window)}


def _alert(how: str, burns: Sequence[tuple[float, str, str]], severity: str) -> Rule:
    conditions = " or ".join(f"({_above(rate, long)} and {_above(rate, short)})" for rate, long, short in burns)
    name = f"UsherErrorBudgetBurns{how}"
    summary = (
        "{{ $labels.job }}: {{ $value | humanizePercentage }} bad by its objective of {{ $labels.slo }}; "
        f"its error budget of 30 days does not last {'two days' if severity == 'critical' else 'the month'}."
    )
    return {
        "alert": name,
        "expr": conditions,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "runbook_url": f"{RUNBOOKS_MARK}#{name.lower()}"},
    }


def _above(rate: float, window: str) -> str:
    return f"{BAD}{window} > on (job, slo) group_left () {rate:g} * {BUDGET}"
