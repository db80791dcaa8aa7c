"""Where what is written here comes from and goes to."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]
OBJECTIVES = FOLDER / "slos.yaml"
CHART_FILES = FOLDER.parent / "helm" / "usher" / "files"
DASHBOARDS = CHART_FILES / "dashboards"
BURN_RATES = CHART_FILES / "slo-rules.yaml"
ALERTS = CHART_FILES / "alerts.yaml"
RUNBOOKS = FOLDER.parents[1] / "docs" / "operations" / "runbooks.md"

RUNBOOKS_MARK = "https://usher.example/operations/runbooks"
"""Stands in files for the address of the runbooks; the chart and the local stack put theirs there, kustomize cannot."""
