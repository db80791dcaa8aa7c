"""PromQL that occurs again and again, so that all panels count alike."""

INTERVAL = "$__rate_interval"
# Where no caller is at fault; what a limit or a rule refuses is not a failure of the service.
FAILURES = "INTERNAL|UNKNOWN|UNAVAILABLE|DATA_LOSS|DEADLINE_EXCEEDED"


def rate(metric: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """How much a counter grows in a second, added up."""
    return f"sum{_grouped(by)} (rate({metric}{{{_matchers(scope, where)}}}[{INTERVAL}]))"


def grown(metric: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """How much a counter grew in the time that is looked at; it has begun at 0 where it is new."""
    return f"sum{_grouped(by)} (increase({metric}{{{_matchers(scope, where)}}}[$__range]))"


def quantile(share: float, histogram: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """What `share` of the observations stay below."""
    labels = f"le, {by}" if by else "le"
    buckets = f"{histogram}_bucket{{{_matchers(scope, where)}}}"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({buckets}[{INTERVAL}])))"


def mean(histogram: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """Sum by count."""
    return f"{rate(histogram + '_sum', by, where, scope)} / {rate(histogram + '_count', by, where, scope)}"


def total(metric: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """Gauges added up."""
    return f"sum{_grouped(by)} ({metric}{{{_matchers(scope, where)}}})"


def highest(metric: str, by: str = "", where: str = "", scope: str = "SCOPE") -> str:
    """The largest of gauges."""
    return f"max{_grouped(by)} ({metric}{{{_matchers(scope, where)}}})"


def share(part: str, whole: str) -> str:
    """Part of a whole; 0 where neither has happened."""
    return f"(({part}) or 0 * ({whole})) / ({whole} > 0) or 0 * ({whole})"


def or_none(query: str) -> str:
    """0 where nothing has ever been counted: a counter with labels is born when it first counts."""
    return f"({query}) or vector(0)"


def or_calm(query: str, label: str) -> str:
    """By `label`, or a line of "none" at 0 as long as there is nothing to show."""
    calm = f'label_replace(vector(0), "{label}", "none", "", "")'
    return f"({query}) or ({calm} unless on () ({query}))"


def percentiles(histogram: str, where: str = "") -> dict[str, str]:
    """Legend → query of the usual three."""
    return {f"p{round(each * 100)}": quantile(each, histogram, where=where) for each in (0.5, 0.95, 0.99)}


def _grouped(by: str) -> str:
    return f" by ({by})" if by else ""


def _matchers(scope: str, where: str) -> str:
    return f"{scope}, {where}" if where else scope
