"""Where the time of a process goes: samples of py-spy, told by package and by function of ours."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from report import table

T = TypeVar("T")

FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]*):\d+\)")
OURS = (
    "_service/",
    "mongo_store/",
    "grpc_runtime/",
    "event_backbone/",
    "telemetry/",
    "access/",
    "resource_api/",
    "domain_kit/",
    "chassis/",
)
OUTERMOST = {"<module>", "run"}  # of the process; in every sample
STANDARD = {
    "asyncio",
    "concurrent",
    "json",
    "logging",
    "threading.py",
    "contextlib.py",
    "selectors.py",
    "socket.py",
    "importlib",
}


def find_sampler() -> str | None:
    """py-spy beside this interpreter or on the PATH."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def sample(sampler: str, pid: int, seconds: int, meanwhile: Callable[[], T], folded: Path) -> T:
    """Sample what holds the interpreter of `pid` while `meanwhile` runs; stacks go to `folded`. OSError on failure."""
    command = [sampler, "record", "--gil", "--rate", "200", "--duration", str(seconds), "--format", "raw"]
    process = subprocess.Popen(
        [*command, "--output", str(folded), "--pid", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        result = meanwhile()
    finally:
        _, trouble = process.communicate()
    if process.returncode or not folded.exists():
        raise OSError(f"py-spy: {trouble.strip()[-200:]}")
    return result


def read_stacks(folded: Path) -> list[tuple[list[tuple[str, str]], int]]:
    """(function, file) from the outermost frame inwards, and how often it was seen."""
    stacks = []
    for line in folded.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        found = [FRAME.fullmatch(frame) for frame in frames.split(";")]
        stacks.append(([(each["function"], each["file"]) for each in found if each], int(count)))
    return stacks


def by_package(stacks: Sequence[tuple[list[tuple[str, str]], int]]) -> str:
    """Share of samples by the package of the innermost frame: where the interpreter itself was."""
    shares: Counter[str] = Counter()
    for frames, count in stacks:
        shares[_package(frames[-1][1]) if frames else "?"] += count
    return table(["package (its own lines)", "%"], _percent(shares, 14))


def by_function(stacks: Sequence[tuple[list[tuple[str, str]], int]]) -> str:
    """Share of samples inside a function of ours, whatever it calls."""
    shares: Counter[str] = Counter()
    for frames, count in stacks:
        ours = [frame for frame in frames if any(mark in frame[1] for mark in OURS) and frame[0] not in OUTERMOST]
        for place in {f"`{file}` {function}" for function, file in ours}:
            shares[place] += count
    whole = sum(count for _, count in stacks)
    return table(["function (with all it calls)", "%"], _percent(shares, 24, whole))


def _percent(shares: Counter[str], most: int, whole: int = 0) -> list[list[str]]:
    whole = whole or sum(shares.values()) or 1
    return [[name, f"{100 * count / whole:.1f}"] for name, count in shares.most_common(most)]


def _package(file: str) -> str:
    first = file.split("/", maxsplit=1)[0]
    return "standard library: " + first if first in STANDARD or first.endswith(".py") else first
