"""The script that measures long lists runs."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "long_lists.py"


def test_short_lists_are_measured_too():
    few = ("--waiting", "40", "--joins", "20", "--scans", "20")
    done = subprocess.run([sys.executable, SCRIPT, *few], capture_output=True, text=True, timeout=120, check=True)
    told = done.stdout
    assert [line.split(" | ")[0] for line in told.splitlines()[2:]][-2:] == [
        "| the same tickets at another gate (DUPLICATE)",
        "| 20 scans of 25 tickets (DUPLICATE)",
    ]
