"""What Makefile and docs say of the release command is so."""

import os
import re
import subprocess

import pytest

from local_stack.stack import workspace
from usher_cli.release.outcomes import Exit


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        (("status",), "usher status "),
        (("status", "ENV=staging"), "usher release status staging "),
        (("plan", "ENV=staging", "ARGS=--tag 1"), "usher release plan staging --tag 1 || test $? -eq 2"),
        (("deploy", "ENV=prod", "ARGS=--tag 1 --yes"), "usher release deploy prod --tag 1 --yes"),
        (("rollback", "ENV=prod"), "usher release rollback prod "),
    ],
)
def test_make_runs_the_command(target, runs):
    alone = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS", "ENV"))
    }
    made = subprocess.run(
        ["make", "--no-print-directory", "-n", *target],
        cwd=workspace(), env=alone, capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = made.stdout
    assert shown.splitlines()[-1].partition("/bin/")[2] == runs


def test_the_table_of_exit_codes_has_each_once():
    text = (workspace() / "docs" / "operations.md").read_text()
    table = text.partition("| exit code |")[2].partition("\n\n")[0]
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [each.value for each in Exit]
