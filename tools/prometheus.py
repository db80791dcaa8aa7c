"""`make prometheus`: Debian's prometheus and promtool in the cache of this project, without installing them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("USHER_CACHE") or Path.home() / ".cache" / "usher") / "prometheus"
PROGRAMS = ("prometheus", "promtool")
SECONDS = 300.0


def here() -> str:
    """Where they are already; empty when one is not."""
    for folder in (None, str(CACHE / "usr" / "bin")):
        places = [shutil.which(program, path=folder) for program in PROGRAMS]
        if all(places):
            return str(places[0])
    return ""


def unpack() -> None:
    """Fetch the package by Debian's own client and lay it into the cache in one step."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        sys.exit(
            "Prometheus comes from Debian's packages: install `prometheus` and `promtool` and put them on the PATH"
        )
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as scratch:
        fetched = subprocess.run(
            [apt, "download", "--quiet", "prometheus"],
            cwd=scratch, capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        packages = list(Path(scratch).glob("prometheus_*.deb"))
        if fetched.returncode or not packages:
            sys.exit(f"Debian's package cannot be had: {fetched.stderr.strip()}; has apt-get update been run?")
        fresh = Path(scratch) / "unpacked"
        subprocess.run([dpkg, "--extract", str(packages[0]), str(fresh)], check=True, timeout=SECONDS)
        shutil.rmtree(CACHE, ignore_errors=True)
        fresh.rename(CACHE)


if __name__ == "__main__":
    if not here():
        unpack()
    print(here())
