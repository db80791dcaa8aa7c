"""Whether promises are kept: what slos.yaml says, measured."""

from monitoring_config.boards import Board, Panel, Section, lines
from monitoring_config.burn_rates import BAD, BUDGET

CHOSEN = 'EVERYWHERE, job=~"$service"'
PER_BUDGET = f"/ on (job, slo) group_left () {BUDGET}"
TEXTS = {
    "availability": "Share of rpcs that did not fail, over an hour.",
    "latency": "Share of rpcs that were answered in time, over an hour; streams are not counted.",
    "freshness": "Share of domain events that were applied in time after their commit, over an hour.",
}


def board() -> Board:
    """What is left, how fast it goes, what was measured."""
    return Board(
        name="slo",
        title="Usher / Objectives",
        text=(
            "The promises of slos.yaml and what is left of their error budgets. A burn rate of 1 uses up exactly the "
            "budget of 30 days; 14.4 over an hour wakes somebody."
        ),
        sections=(
            Section("Budgets", (_left(), _budgets())),
            Section("Burn rates", tuple(_burn(window) for window in ("5m", "1h", "6h", "3d"))),
            Section("Measured", tuple(_measured(kind, text) for kind, text in TEXTS.items())),
        ),
    )


def _left() -> Panel:
    return lines(
        "Left of the budget",
        "Over the time that is shown: 1 is untouched, 0 used up. Choose 30 days to see what the promise is about.",
        "percentunit",
        {
            "{{job}} {{slo}}": f"clamp_min(1 - avg_over_time({BAD}5m{{{CHOSEN}}}[$__range]) {PER_BUDGET}, 0)",
        },
        width=12,
        alert="UsherErrorBudgetBurnsSlowly",
    )


def _budgets() -> Panel:
    return lines(
        "Budgets",
        "Which share may be bad.",
        "percentunit",
        {"{{job}} {{slo}}": f'{BUDGET}{{job=~"$service"}}'},
        width=12,
    )


def _burn(window: str) -> Panel:
    fast = window in {"5m", "1h", "6h"}
    return lines(
        f"Over {window}",
        f"How many times faster than allowed the budget was used up in the last {window}.",
        "short",
        {"{{job}} {{slo}}": f"{BAD}{window}{{{CHOSEN}}} {PER_BUDGET}"},
        width=6,
        alert="UsherErrorBudgetBurnsFast" if fast else "UsherErrorBudgetBurnsSlowly",
    )


def _measured(kind: str, text: str) -> Panel:
    return lines(
        kind.capitalize(),
        text,
        "percentunit",
        {"{{job}}": f'1 - {BAD}1h{{{CHOSEN}, slo="{kind}"}}'},
        alert="UsherErrorBudgetBurnsSlowly",
    )
