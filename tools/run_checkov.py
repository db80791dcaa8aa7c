"""Runs checkov over what the chart renders, each environment with each kind of engines; the rest has a reason.

checkov brings a hundred packages, so it has an environment of its own, made of `checkov.lock` when it is first needed.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from helm_chart import ENVIRONMENTS, render_text

HERE = Path(__file__).parent
LOCK, EXCUSED = HERE / "checkov.lock", HERE / "checkov.yaml"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "usher"
KINDS = {"dev": ("none", "singleNode", "operators"), "staging": ("none", "operators"), "prod": ("none", "operators")}


def environment() -> Path:
    """Where checkov is installed, exactly as pinned."""
    place = CACHE / f"checkov-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not (place / "complete").exists():
        print("installing checkov ...", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "--requirement", str(LOCK)], check=True)
        (place / "complete").touch()
    return place


def found_in(folder: Path) -> list[Mapping[str, Any]]:
    """Findings in the manifests of a folder."""
    program = environment() / "bin" / "checkov"
    command = [str(program), "--directory", str(folder), "--framework", "kubernetes", "--compact", "--quiet"]
    done = subprocess.run(
        [*command, "--skip-download", "--output", "json"], capture_output=True, text=True, check=False
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"checkov failed:\n{done.stderr[-2000:]}") from None
    if report["summary"]["parsing_errors"] or not report["summary"]["resource_count"]:
        raise SystemExit(f"checkov did not read everything: {report['summary']}")
    findings: list[Mapping[str, Any]] = report["results"]["failed_checks"]
    return findings


def judged(findings: list[Mapping[str, Any]], excused: Mapping[str, str]) -> Iterator[str]:
    """A line for each finding that nothing excuses, and for each excuse that nothing needs."""
    for each in findings:
        if each["check_id"] not in excused:
            name = each["resource"].replace(".default.", " ")
            yield f"{each['check_id']} {name} ({Path(each['file_path']).stem}): {each['check_name']}"
    for check in sorted(excused.keys() - {each["check_id"] for each in findings}):
        yield f"{check} finds nothing any more: take it out of {EXCUSED.name}"


def main() -> None:
    """Render, check, tell."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ENVIRONMENTS:
            for kind in KINDS[name]:
                (Path(folder) / f"{name}-{kind}.yaml").write_text(render_text(name, {"engines": {"kind": kind}}))
        excused = yaml.safe_load(EXCUSED.read_text())
        problems = sorted(set(judged(found_in(Path(folder)), excused)))
    if problems:
        sys.exit("\n".join(problems))
    print(f"checkov finds nothing but what {len(excused)} reasons in {EXCUSED.name} explain")


if __name__ == "__main__":
    main()
