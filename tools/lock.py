"""Writes requirements.lock: every third-party package the workspace needs, pinned with hashes, without hosts."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from workspace import LOCK, declared, settings


def compile_lock(requirements: list[str], python: str, *, upgrade: bool) -> str:
    """Resolve for every platform and Python from `python` on; pins already in the lock stay unless `upgrade`."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "requirements.lock"
        if LOCK.exists() and not upgrade:
            output.write_text(LOCK.read_text())
        command = [
            *(str(Path(sys.executable).parent / "uv"), "pip", "compile", "-", "--output-file", str(output)),
            *("--universal", "--python-version", python, "--generate-hashes", "--no-emit-index-url"),
            *("--no-emit-find-links", "--custom-compile-command", "make lock", "--quiet"),
            *(["--upgrade"] if upgrade else []),
        ]
        subprocess.run(command, input="\n".join(requirements) + "\n", text=True, check=True)
        return output.read_text()


def main() -> None:
    """Read the command line and write the lock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of keeping the pins")
    options = parser.parse_args()
    LOCK.write_text(compile_lock(declared(), settings()["tool"]["usher"]["python"], upgrade=options.upgrade))
    print(f"{LOCK.name}: {sum('==' in line for line in LOCK.read_text().splitlines())} packages")


if __name__ == "__main__":
    main()
