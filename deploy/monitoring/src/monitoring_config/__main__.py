"""`python -m monitoring_config` writes dashboards and rules into the chart; `--check` only says what is stale."""

import sys
from collections.abc import Mapping
from pathlib import Path

from monitoring_config import burn_rates, grafana
from monitoring_config.dashboards import every_board
from monitoring_config.places import BURN_RATES, DASHBOARDS
from monitoring_config.slos import objectives


def documents() -> Mapping[Path, str]:
    """Everything that is rendered: place → text."""
    boards = {DASHBOARDS / f"{board.name}.json": grafana.rendered(board) for board in every_board()}
    return {**boards, BURN_RATES: burn_rates.rendered(objectives())}


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """What differs from what is written, and dashboards that nobody describes any more."""
    differs = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    return sorted([*differs, *(path for path in DASHBOARDS.glob("*.json") if path not in wanted)])


def write(wanted: Mapping[Path, str]) -> None:
    """Bring the files up to date."""
    DASHBOARDS.mkdir(parents=True, exist_ok=True)
    for path in stale(wanted):
        if path in wanted:
            path.write_text(wanted[path])
        else:
            path.unlink()


def main(arguments: list[str]) -> int:
    """The exit code: 1 when something is stale."""
    wanted = documents()
    if "--check" not in arguments:
        write(wanted)
        return 0
    found = stale(wanted)
    for path in found:
        sys.stderr.write(f"{path.name} is stale: python -m monitoring_config\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
