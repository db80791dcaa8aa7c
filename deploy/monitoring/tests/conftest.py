"""What is rendered, read once; and the programs of Prometheus, without which what needs them is skipped."""

from pathlib import Path

import pytest
import yaml

from local_stack.observing import found
from monitoring_config.places import ALERTS, BURN_RATES


@pytest.fixture(scope="session")
def rules():
    """File → its groups of rules."""
    return {path.name: yaml.safe_load(path.read_text()) for path in (ALERTS, BURN_RATES)}


@pytest.fixture(scope="session")
def alerts(rules):
    """Every alert by its name."""
    each = [rule for groups in rules.values() for group in groups for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in each}) == len(each)
    return {rule["alert"]: rule for rule in each}


@pytest.fixture(scope="session")
def courses():
    """alerts.yaml beside this file: alert → `fires` and `silent`."""
    return yaml.safe_load((Path(__file__).parent / "alerts.yaml").read_text())


@pytest.fixture(scope="session")
def promtool():
    program = found("promtool")
    if program is None:
        pytest.skip("promtool is not here: `make prometheus`, or Debian's package prometheus")
    return program
