"""Turns measurements into the tables of docs/performance.md; the prose around them is left alone."""

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
from cases import EMPTY
from measuring import Round, percentile

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
SHOWN_PROCESSES = (
    "clients",
    "gateway",
    "user",
    "booking",
    "mongodb",
    "noida",
    "payment",
    "notification",
    "search",
    "analytics",
)


@dataclass(frozen=True)
class Machine:
    """Where it ran, and what else ran there before."""

    cores: int
    memory_gib: float
    load: float

    @classmethod
    def look(cls) -> "Machine":
        """The present one; load is the mean number of runnable processes of the last minute."""
        memory = psutil.virtual_memory().total / 2**30
        return cls(os.cpu_count() or 1, memory, psutil.getloadavg()[0])

    def sentence(self, command: str) -> str:
        """When, where and how."""
        busy = " **Others were using the machine: only ratios mean something.**" if self.load > self.cores / 2 else ""
        where = (
            f"{platform.system()}, {self.cores} cores, {self.memory_gib:.0f} GiB, Python {platform.python_version()}"
        )
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        return f"{when} · {where} · load before the run {self.load:.1f} · `{command}`.{busy}"


def command(given: str) -> str:
    """How the bench was called."""
    return " ".join(["make bench", *([f'ARGS="{given}"'] if given else [])])


def put_section(document: str, section: str, text: str) -> str:
    """The document with what stands between the markers of `section` replaced; LookupError without markers."""
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(document):
        raise LookupError(f"the document has no {begin} … {end}")
    return pattern.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", document)


def write_section(section: str, text: str) -> None:
    """Into docs/performance.md."""
    DOCUMENT.write_text(put_section(DOCUMENT.read_text(), section, text))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; the first column is text, the others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(rounds: Sequence[Round], measures: str, where: str, notes: Sequence[str]) -> str:
    """The section of the measurements: what has to be reached first, then what it comes from."""
    if not rounds:
        return "\n\n".join([where, measures, *notes])
    share = max(each.client_share for each in rounds)
    client = f"The load generator used at most {share:.0%} of one core."
    return "\n\n".join([where, measures, rates(rounds, EMPTY), spending(rounds, 32), " ".join([client, *notes])])


def rates(rounds: Sequence[Round], empty: str) -> str:
    """Throughput and latency by case and clients, each beside the empty rpc of the same rounds."""
    rows = []
    for case, clients in _cases(rounds):
        own, base = _of(rounds, case, clients), _of(rounds, empty, clients)
        if not own:
            continue
        speeds = sorted(each.per_second for each in own)
        pooled, pooled_base = _pooled(own), _pooled(base)
        p50, p95, p99 = (percentile(pooled, share) for share in (0.50, 0.95, 0.99))
        same = case == empty
        rows.append(
            [
                case,
                str(clients),
                f"{median(speeds):,.0f} ({speeds[0]:,.0f}–{speeds[-1]:,.0f})",
                *(f"{each:.1f}" for each in (p50, p95, p99)),
                "1" if same else f"**{_ratio(own, base):.2f}**",
                "1" if same else f"{p99 / percentile(pooled_base, 0.99):.1f}",
            ]
        )
    header = [
        "case",
        "clients",
        "per second (lowest–highest round)",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "÷ empty rpc",
        "p99 ÷ p99",
    ]
    return table(header, rows)


def spending(rounds: Sequence[Round], clients: int) -> str:
    """Microseconds of CPU one iteration costs each process, with so many clients, all that follows from it included."""
    rows = []
    for case in dict.fromkeys(each.case for each in rounds):
        own = _of(rounds, case, clients)
        if not own:
            continue
        done = sum(each.iterations for each in own) or 1
        by_process = {name: sum(each.cpu[name] for each in own) * 1e6 / done for name in own[0].cpu}
        settled = [each.settled for each in own]
        quiet = f"{median(each for each in settled if each is not None):.1f}" if None not in settled else "longer"
        shown = [f"{by_process[name]:,.0f}" if name in by_process else "–" for name in SHOWN_PROCESSES]
        rows.append([case, *shown, f"{sum(by_process.values()):,.0f}", quiet])
    return table(["µs of CPU an iteration", *SHOWN_PROCESSES, "all", "s until quiet"], rows)


def memory(rows: Mapping[str, tuple[int, int]]) -> str:
    """Resident MiB by service, once ready and after the load."""
    mebibytes = [[name, *(f"{each / 2**20:.0f}" for each in pair)] for name, pair in rows.items()]
    total = [f"**{sum(pair[place] for pair in rows.values()) / 2**20:.0f}**" for place in (0, 1)]
    return table(["service", "MiB when ready", "MiB after the load"], [*mebibytes, [f"all {len(rows)}", *total]])


def _cases(rounds: Sequence[Round]) -> list[tuple[str, int]]:
    names = list(dict.fromkeys(each.case for each in rounds))
    return [(name, clients) for name in names for clients in sorted({each.clients for each in rounds})]


def _of(rounds: Sequence[Round], case: str, clients: int) -> list[Round]:
    return [each for each in rounds if each.case == case and each.clients == clients]


def _pooled(rounds: Sequence[Round]) -> list[int]:
    return sorted(latency for each in rounds for latency in each.latencies)


def _ratio(rounds: Sequence[Round], base: Sequence[Round]) -> float:
    """Median over rounds of the ratio within a round, in which noise hits both alike."""
    return median(own.per_second / (other.per_second or float("nan")) for own, other in zip(rounds, base, strict=True))
