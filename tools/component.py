"""Installs one package as in its image, without what builds it: the steps of deploy/images/Dockerfile, one by one.

`requirements FOLDER` prints its part of the lock; `third-party FILE INTO` makes an environment of that file;
`own FOLDER INTO` adds the workspace packages, built with the pinned builder. Needs Python with pip; compiles nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from pathlib import Path

from closure import blocks, closure, runtime_closure
from workspace import LOCK, ROOT, Member, group, inside_closure, members

# Published as source only, pure Python: built with the pinned builder. Any other without a wheel is an error.
SOURCE_ONLY = {"python-alipay-sdk"}

# `python -m serve` starts whichever service an image holds, so that one recipe does for all.
STARTER = '''"""Runs the {module} package."""

from runpy import run_module

run_module("{module}", run_name="__main__", alter_sys=True)
'''


def member_in(folder: str) -> Member:
    """The workspace package in `folder` (relative to the repository); SystemExit where there is none."""
    found = [member for member in members() if member.folder == (ROOT / folder).resolve()]
    if not found:
        known = ", ".join(str(member.folder.relative_to(ROOT)) for member in members())
        raise SystemExit(f"no workspace package in {folder} (known: {known})")
    return found[0]


def pip(command: str, target: Path | None, *arguments: str) -> None:
    """Run pip's `command` for the environment `target` (None: the running one), resolving and isolating nothing."""
    into = () if target is None else ("--python", str(target / "bin" / "python"))
    call = (sys.executable, "-m", "pip", *into, "--disable-pip-version-check", "--quiet", command, "--no-deps")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run((*call, *arguments), cwd=ROOT, env=environment, check=False).returncode:
        raise SystemExit(f"pip {command} failed for {target or sys.prefix}")


def pinned(into: Path, scratch: Path, texts: Iterable[str], *options: str, command: str = "install") -> None:
    """Let pip install, or build, blocks of the lock; nothing else than what their hashes say."""
    listed = scratch / f"{into.name}-{command}.txt"
    listed.write_text("\n".join(texts) + "\n")
    pip(command, into, "--require-hashes", *options, "--requirement", str(listed))


def builder(scratch: Path) -> Path:
    """An environment with what builds packages, from the lock."""
    into = scratch / "builder"
    venv.create(into, with_pip=False, symlinks=True)
    pinned(into, scratch, [closure(group("install"), LOCK.read_text())], "--only-binary=:all:")
    return into


def third_party(requirements: Path, into: Path) -> None:
    """An environment without pip at `into`, with exactly what `requirements` pins."""
    wanted = blocks(requirements.read_text())
    ready = [text for name, texts in wanted.items() if name not in SOURCE_ONLY for text in texts]
    sources = [text for name in sorted(SOURCE_ONLY & wanted.keys()) for text in wanted[name]]
    venv.create(into, with_pip=False, symlinks=True)
    with tempfile.TemporaryDirectory(prefix="usher-build-") as folder:
        scratch = Path(folder)
        pinned(into, scratch, ready, "--only-binary=:all:")
        if sources:
            wheels = scratch / "wheels"
            options = ("--no-build-isolation", "--wheel-dir", str(wheels))
            pinned(builder(scratch), scratch, sources, *options, command="wheel")
            pip("install", into, "--no-index", *map(str, sorted(wheels.glob("*.whl"))))


def own(member: Member, into: Path) -> None:
    """The workspace packages that `member` needs, as plain files in the folder `into`, and the starter beside them."""
    folders = [str(each.folder) for each in inside_closure([member.name])]
    with tempfile.TemporaryDirectory(prefix="usher-build-") as scratch:
        python, wheels = builder(Path(scratch)) / "bin" / "python", Path(scratch) / "wheels"
        build = (
            "from hatchling.build import build_wheel; import os, sys; os.chdir(sys.argv[1]); build_wheel(sys.argv[2])"
        )
        for folder in folders:
            wheels.mkdir(exist_ok=True)
            subprocess.run((str(python), "-c", build, folder, str(wheels)), check=True)
        pip("install", None, "--no-index", "--target", str(into), *map(str, sorted(wheels.glob("*.whl"))))
    module = next(path.parent.name for path in sorted((member.folder / "src").glob("*/__init__.py")))
    (into / "serve.py").write_text(STARTER.format(module=module))


def main() -> None:
    """Read the command line and do one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("requirements").add_argument("folder", help="of a workspace package, such as services/booking")
    step = steps.add_parser("third-party")
    step.add_argument("requirements", type=Path)
    step.add_argument("into", type=Path)
    step = steps.add_parser("own")
    step.add_argument("folder")
    step.add_argument("into", type=Path)
    options = parser.parse_args()
    if options.step == "requirements":
        print(runtime_closure([member_in(options.folder).name], lock=LOCK.read_text()), end="")
    elif options.step == "third-party":
        third_party(options.requirements, options.into)
    else:
        own(member_in(options.folder), options.into)


if __name__ == "__main__":
    main()
