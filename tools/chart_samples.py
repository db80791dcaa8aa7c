"""The events that the chart brings for development: lines of an import, from the sample of the CLI (`--write`)."""

import json
import sys
from datetime import date

from workspace import ROOT

from usher_cli.conferences import sample_events

PLACE = ROOT / "deploy" / "helm" / "usher" / "files" / "samples.jsonl"
COUNT = 40
AS_OF = date(2026, 9, 1)  # dates lie ahead of this day; whoever imports them moves them on


def lines() -> str:
    """One event a line."""
    found = [json.dumps(each, ensure_ascii=False, sort_keys=True) for each in sample_events(AS_OF)[:COUNT]]
    return "\n".join(found) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PLACE.write_text(lines())
    else:
        print(lines(), end="")
