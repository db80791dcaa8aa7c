"""Programs written in Go that tests run: built once from a committed go.mod, kept in the user's cache."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

SECONDS = 3600.0
"""A control plane is half a million lines, built at low priority on what the machine has left."""


def lacking(folder: Path, needs: tuple[int, int]) -> str:
    """What keeps the module in `folder` from being built, in a line; empty: nothing. needs: the oldest Go that can."""
    go = shutil.which("go")
    if go is None:
        return f"{folder.name} is written in Go, which is not installed"
    told = subprocess.run([go, "env", "GOVERSION"], cwd=folder, capture_output=True, text=True, check=False)
    version = told.stdout.strip().removeprefix("go").split(".")
    if told.returncode or not version[0].isdigit() or tuple(map(int, version[:2])) < needs:
        found = told.stdout.strip() or told.stderr.strip().partition("\n")[0] or "nothing"
        return f"{folder.name} needs Go {needs[0]}.{needs[1]} or newer; `go env` says {found}"
    return ""


def built(folder: Path, *, link: Iterable[str] = ()) -> Path:
    """Where the programs named by the `tool` lines of the module are; link: flags of the linker."""
    flags = " ".join(("-s", "-w", *link))

    def make(into: Path) -> None:
        _go(folder, "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", f"{into}/", "tool")

    return _kept(folder, flags, make)


def source_files(folder: Path, wanted: Mapping[str, Iterable[str]]) -> Path:
    """Where files of modules that `folder` requires are; wanted: patterns of paths by module, kept as module/path."""

    def make(into: Path) -> None:
        for module, patterns in wanted.items():
            source = Path(
                json.loads(_go(folder, "mod", "download", "-json", f"{module}@{pinned(folder, module)}"))["Dir"]
            )
            for pattern in patterns:
                found = sorted(source.glob(pattern))
                assert found, f"{module} has no {pattern}"
                for each in found:
                    target = into / module / each.relative_to(source)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(each.read_bytes())

    return _kept(folder, json.dumps({name: list(patterns) for name, patterns in wanted.items()}), make)


def pinned(folder: Path, module: str) -> str:
    """The version that the go.mod in `folder` requires."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, f"{folder / 'go.mod'} does not require {module}"
    return found[1]


def _kept(folder: Path, how: str, make: Callable[[Path], None]) -> Path:
    """A folder in the cache, made when it is not there; its name carries a digest of all that it is made of."""
    text = b"".join((folder / name).read_bytes() for name in ("go.mod", "go.sum")) + how.encode()
    cache = Path(os.environ.get("USHER_CACHE") or Path.home() / ".cache" / "usher")
    target = cache / "go" / folder.name / hashlib.sha256(text).hexdigest()[:12]
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            make(made)
            with contextlib.suppress(OSError):  # another process was faster
                made.replace(target)
    return target


def _go(folder: Path, *arguments: str) -> str:
    """What a command says; the rest of the machine goes first. AssertionError, with its last words."""
    command = ["nice", "-n", "15", "go", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-2000:] or done.stdout[-2000:]
    return done.stdout
