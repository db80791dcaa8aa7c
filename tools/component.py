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
from pathlib import Path

from closure import closure, runtime_closure
from workspace import LOCK, ROOT, Member, group, inside_closure, members

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


def pip(target: Path | None, *arguments: str) -> None:
    """Install with hashes or from given files only, never compiling, into `target` or into the running environment."""
    into = () if target is None else ("--python", str(target / "bin" / "python"))
    command = (sys.executable, "-m", "pip", *into, "--disable-pip-version-check", "--quiet", "install", "--no-deps")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run((*command, *arguments), cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"pip install failed for {target or sys.prefix}")


def third_party(requirements: Path, into: Path) -> None:
    """An environment without pip at `into`, with exactly what `requirements` pins."""
    venv.create(into, with_pip=False, symlinks=True)
    pip(into, "--require-hashes", "--only-binary=:all:", "--requirement", str(requirements))


def own(member: Member, into: Path) -> None:
    """The workspace packages that `member` needs, as plain files in the folder `into`, and the starter beside them."""
    folders = [str(each.folder) for each in inside_closure([member.name])]
    with tempfile.TemporaryDirectory(prefix="usher-build-") as scratch:
        builder, wheels = Path(scratch) / "builder", Path(scratch) / "wheels"
        pinned = Path(scratch) / "builder.txt"
        pinned.write_text(closure(group("install"), LOCK.read_text()))
        third_party(pinned, builder)
        build = (
            "from hatchling.build import build_wheel; import os, sys; os.chdir(sys.argv[1]); build_wheel(sys.argv[2])"
        )
        for folder in folders:
            wheels.mkdir(exist_ok=True)
            subprocess.run((str(builder / "bin" / "python"), "-c", build, folder, str(wheels)), check=True)
        pip(None, "--no-index", "--target", str(into), *map(str, sorted(wheels.glob("*.whl"))))
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
