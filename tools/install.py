"""Makes .venv: the locked third-party packages with hashes required, then the workspace packages in place.

Runs on any Python from 3.11 on with nothing installed, and does nothing when its inputs have not changed.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from closure import blocks, runtime_closure
from workspace import LOCK, ROOT, group, inside_closure, members

STAMP = "usher-install.json"


def digest() -> str:
    """A fingerprint of everything an install depends on."""
    parts = hashlib.sha256(f"{sys.version_info[:2]}{ROOT}".encode())
    for path in [ROOT / "pyproject.toml", LOCK, *(member.folder / "pyproject.toml" for member in members())]:
        parts.update(path.read_bytes())
    return parts.hexdigest()


def is_installed(environment: Path, wanted: str, fingerprint: str) -> bool:
    """Whether the environment already holds the wanted set; "all" holds "runtime" too."""
    try:
        stamp = json.loads((environment / STAMP).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return stamp["digest"] == fingerprint and stamp["set"] in {wanted, "all"}


def run(*command: str) -> None:
    """Run a step; its output is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f"failed: {' '.join(command)}")


def create(environment: Path) -> None:
    """An empty environment with pip; says in one line what Debian's split packages lack."""
    try:
        venv.create(environment, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f"{sys.executable} cannot make virtual environments with pip ({error}): install its venv package "
            "(Debian: python3-venv) or choose another Python with `make PYTHON=... `"
        ) from error


def install(environment: Path, wanted: str) -> None:
    """Create or bring up to date; third-party first, then the workspace without resolving again."""
    if not (environment / "bin" / "pip").exists():
        create(environment)
    python = str(environment / "bin" / "python")
    lock = LOCK.read_text()
    workspace = members()
    if wanted == "runtime":
        roots = [member.name for member in members(which="runtime")]
        workspace = inside_closure(roots)
        lock = runtime_closure(roots, lock=lock, extra=group("install"))
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(lock)
        print(f"installing {len(blocks(lock))} locked packages ...", flush=True)
        run(*pip, "--require-hashes", "--no-deps", "-r", str(requirements))
    print(f"installing {len(workspace)} workspace packages in place ...", flush=True)
    editable = [argument for member in workspace for argument in ("--editable", str(member.folder))]
    run(*pip, "--no-deps", "--no-build-isolation", *editable)


def main() -> None:
    """Read the command line and install what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", choices=["all", "runtime"], default="all", help="runtime: what runs, without the tests' needs"
    )
    parser.add_argument("--into", type=Path, default=ROOT / ".venv")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells the user
        raise SystemExit(f"Usher needs Python 3.11 or newer, this is {sys.version.split()[0]} ({sys.executable})")
    fingerprint = digest()
    if is_installed(options.into, options.only, fingerprint):
        return
    os.environ.pop("PYTHONPATH", None)
    install(options.into, options.only)
    (options.into / STAMP).write_text(json.dumps({"digest": fingerprint, "set": options.only}))


if __name__ == "__main__":
    main()
