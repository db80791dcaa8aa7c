"""What each environment asks a cluster for, and its price a month; `--write` puts it into docs/operations.md."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml
from helm_chart import ENVIRONMENTS, FAST, render
from workspace import ROOT

PRICES = Path(__file__).with_name("prices.yaml")
DOCUMENT = ROOT / "docs" / "operations.md"
TABLE = re.compile(r"(<!-- costs -->\n).*?(<!-- /costs -->)", re.DOTALL)
MEMORY = {"Mi": Decimal(1) / 1024, "Gi": Decimal(1)}
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Amount:
    """pods, cores, gib of memory, disk: GiB that stay."""

    pods: int = 0
    cores: Decimal = field(default_factory=Decimal)
    gib: Decimal = field(default_factory=Decimal)
    disk: Decimal = field(default_factory=Decimal)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.pods + other.pods, self.cores + other.cores, self.gib + other.gib, self.disk + other.disk)

    def times(self, count: int) -> "Amount":
        """Of so many replicas."""
        return Amount(self.pods * count, self.cores * count, self.gib * count, self.disk * count)


def cores_of(text: str) -> Decimal:
    """Kubernetes writes 250m for a quarter."""
    return Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text)


def gib_of(text: str) -> Decimal:
    """Of a quantity in Mi or Gi."""
    return Decimal(text[:-2]) * MEMORY[text[-2:]]


def asked(workload: Mapping[str, Any]) -> Amount:
    """What one replica asks for: init containers run before the others, so the greater of both counts."""
    pod = workload["spec"]["template"]["spec"]
    wanted = [[each["resources"]["requests"] for each in pod.get(key, [])] for key in ("containers", "initContainers")]
    main, first = wanted
    cores = max(
        sum((cores_of(each["cpu"]) for each in main), Decimal()), *(cores_of(each["cpu"]) for each in first), Decimal()
    )
    gib = max(
        sum((gib_of(each["memory"]) for each in main), Decimal()),
        *(gib_of(each["memory"]) for each in first),
        Decimal(),
    )
    claims = workload["spec"].get("volumeClaimTemplates", [])
    disk = sum((gib_of(each["spec"]["resources"]["requests"]["storage"]) for each in claims), Decimal())
    return Amount(1, cores, gib, disk)


def range_of(objects: Sequence[Mapping[str, Any]]) -> tuple[Amount, Amount]:
    """At the fewest and at the most replicas."""
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]
        for each in objects
        if each["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    }
    least, most = Amount(), Amount()
    for each in (each for each in objects if each["kind"] in WORKLOADS):
        spec, own = scaled.get(each["metadata"]["name"], {}), each["spec"].get("replicas", 1)
        least += asked(each).times(spec.get("minReplicas", spec.get("minReplicaCount", own)))
        most += asked(each).times(spec.get("maxReplicas", spec.get("maxReplicaCount", own)))
    return least, most


def dollars(amount: Amount, offer: Mapping[str, Any], hours: int) -> Decimal:
    """A month of it, cluster included."""
    price = {key: Decimal(str(value)) for key, value in offer.items() if key != "source"}
    hourly = amount.cores * price["core_hour"] + amount.gib * price["gib_hour"] + price["cluster_hour"]
    return hourly * hours + amount.disk * price["gib_month_of_storage"]


def rows(prices: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the table."""
    yield "| environment | pods | cores | memory, GiB | storage, GiB | US dollars a month |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for environment in ENVIRONMENTS:
        least, most = range_of(render(environment))
        offers, hours = prices["offers"].values(), prices["hours_a_month"]
        low = min(dollars(least, offer, hours) for offer in offers)
        high = max(dollars(most, offer, hours) for offer in offers)
        yield (
            f"| {environment} | {_span(least.pods, most.pods)} | {_span(least.cores, most.cores)} "
            f"| {_span(least.gib, most.gib)} | {_span(least.disk, most.disk)} | {_span(_tens(low), _tens(high))} |"
        )


def table() -> str:
    """As it stands in the documentation."""
    prices = yaml.load(PRICES.read_text(), Loader=FAST)  # noqa: S506 the C one of the safe loaders
    sources = [f"- {name}: {offer['source']}." for name, offer in prices["offers"].items()]
    return "\n".join([*rows(prices), "", "Prices:", *sources, ""])


def _tens(amount: Decimal) -> int:
    return int((amount / 10).quantize(Decimal(1), ROUND_HALF_UP)) * 10


def _span(least: Decimal | int, most: Decimal | int) -> str:
    low, high = (f"{Decimal(each):,.1f}".removesuffix(".0") for each in (least, most))
    return low if low == high else f"{low}–{high}"


def main() -> None:
    """Print, or write."""
    if sys.argv[1:] == ["--write"]:
        text = DOCUMENT.read_text()
        DOCUMENT.write_text(TABLE.sub(lambda found: found[1] + table() + found[2], text))
    else:
        print(table())


if __name__ == "__main__":
    main()
