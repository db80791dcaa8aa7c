"""The figures that have to be reached, and whether they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from cases import EMPTY, FULL, HOLD, MIX, SPREAD
from measuring import Round, percentile
from report import table

BASE = 32
WATCHED_PER_SECOND = 500
FILLED = 100_000


@dataclass(frozen=True)
class Measure:
    """value: None where it could not be measured, `why` then says it. more: whether more is better."""

    name: str
    value: float | None
    must: float
    aim: float | None = None
    more: bool = True
    why: str = ""

    def row(self) -> list[str]:
        """As a line of the table."""
        sign = "≥" if self.more else "≤"
        aim = "" if self.aim is None else f"{sign} {self.aim:g}"
        if self.value is None:
            return [self.name, f"not measured: {self.why}", f"{sign} {self.must:g}", aim, "–"]
        met = "**no**"
        if self._reaches(self.must):
            met = "yes" if self.aim is None or self._reaches(self.aim) else "yes, not the aim"
        digits = 0 if abs(self.value) >= 100 else 2
        return [self.name, f"{self.value:.{digits}f}", f"{sign} {self.must:g}", aim, met]

    def _reaches(self, bound: float) -> bool:
        return self.value is not None and (self.value >= bound if self.more else self.value <= bound)


def of_rounds(rounds: Sequence[Round], filled: int = FILLED) -> list[Measure]:
    """Those that are ratios of cases."""
    empties = {count: _pick(rounds, EMPTY, count) for count in (32, 128, 512)}

    def holds(count: int) -> float | None:
        return _ratio(_pick(rounds, HOLD, count), empties[count], lambda each: each.per_second)

    ranks = [_pick(rounds, name, BASE) for name in (HOLD, EMPTY)]
    base = _pick(rounds, HOLD, BASE)
    wide, spread = _pick(rounds, HOLD, 128), _pick(rounds, SPREAD, 128)
    mixed, full = _pick(rounds, MIX, BASE), _pick(rounds, FULL, BASE)
    return [
        Measure("holds/s on one event ÷ empty rpc/s, 32 clients", holds(32), 0.15, 0.30),
        Measure("the same, 128 clients", holds(128), 0.25, 0.45),
        Measure("the same, 512 clients", holds(512), 0.25, 0.45),
        Measure(
            "p99 of a hold ÷ p99 of the empty rpc, 32 clients",
            _ratio(*ranks, lambda each: percentile(each.latencies, 0.99)), 8.0, more=False,
        ),
        Measure("200 events ÷ one event, 128 clients", _ratio(spread, wide, lambda each: each.per_second), 0.8),
        Measure(
            "hold, confirm, cancel: calls/s ÷ holds/s, 32 clients",
            _ratio(mixed, base, lambda each: each.calls_per_second), 0.6,
        ),
        Measure(
            f"event with {filled:,} bookings ÷ empty event, 32 clients",
            _ratio(full, base, lambda each: each.per_second), 0.9,
        ),
    ]  # fmt: skip


def replicas(value: float) -> Measure:
    """Of stacks that ran at the same time."""
    return Measure("two booking replicas ÷ one: holds/s on one event, 32 clients", value, 0.8)


@dataclass
class Beside:
    """Lone holds and transactions that write as much, microseconds each."""

    booked: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float] | None:
        """Of either, in ms; None where one is missing."""
        if not self.booked or not self.bare:
            return None
        return percentile(sorted(self.booked), 0.5), percentile(sorted(self.bare), 0.5)


def lone(rested: Beside) -> Measure:
    """Each when what the one before set in motion is over."""
    value = rested.medians[0] / rested.medians[1] if rested.medians else None
    return Measure("p50 of a lone booking ÷ p50 of a bare transaction", value, 2.0, more=False)


def lone_told(rested: Beside, hurried: Beside) -> str:
    """What both took, and what they take without a rest."""
    told = [
        f"{each.medians[0]:.1f} and {each.medians[1]:.1f} ms {way}"
        for each, way in ((rested, "with a rest between"), (hurried, "one right after the other"))
        if each.medians
    ]
    return f"p50 of lone bookings and of bare transactions: {'; '.join(told)}."


def watched(delays: Sequence[int], per_second: float) -> Measure:
    """delays: microseconds, of those that were told at all; -1 of those that were not."""
    name = f"commit → WatchAvailability client, p99 in ms, {WATCHED_PER_SECOND} bookings/s asked for"
    told = [each for each in delays if each >= 0]
    if len(told) < len(delays) or not told:
        return Measure(name, None, 250.0, more=False, why=f"{len(delays) - len(told)} bookings were never told")
    return Measure(f"{name}, {per_second:,.0f}/s reached", percentile(told, 0.99), 250.0, more=False)


def since_decided(committed: Sequence[int], decided: Sequence[int]) -> str:
    """What watchers heard how late, from the commit and from the decision before it on; microseconds, sorted."""
    ways = (("commit", committed), ("decision", decided))
    told = [f"{percentile(each, 0.5):.0f} and {percentile(each, 0.99):.0f} ms from the {way} on" for way, each in ways]
    return f"A WatchAvailability client hears of a booking, p50 and p99: {', '.join(told)}."


def memory(resident: int, served: int, filled: int) -> Measure:
    """Of the booking process."""
    name = f"booking process, MiB after serving {served:,} calls that book, {filled:,} bookings in an event"
    return Measure(name, resident / 2**20, 200.0, more=False)


def together(resident: Mapping[str, int]) -> Measure:
    """Bytes by service, once all are ready."""
    return Measure("services together, MiB when ready", sum(resident.values()) / 2**20, 750.0, more=False)


def as_table(measures: Sequence[Measure]) -> str:
    """All of them."""
    return table(["measure", "value", "must", "aim", "met"], [each.row() for each in measures])


def _pick(rounds: Sequence[Round], case: str, clients: int) -> list[Round]:
    return [each for each in rounds if each.case == case and each.clients == clients]


def _ratio(own: Sequence[Round], base: Sequence[Round], value: Callable[[Round], float]) -> float | None:
    """Median over rounds of the ratio within a round."""
    pairs = [(value(a), value(b)) for a, b in zip(own, base, strict=bool(own))]
    return median(a / b for a, b in pairs) if pairs and all(b > 0 for _, b in pairs) else None
