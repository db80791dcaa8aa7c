"""What visitors look for, and whether the index keeps up."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.dashboards import rows
from monitoring_config.dashboards.services import index
from monitoring_config.promql import INTERVAL, or_calm, or_none, percentiles, quantile, rate, share, total

SEARCHES = "usher_searches_total"
SEARCH = 'method="usher.search.v1.SearchService/SearchEvents"'


def board() -> Board:
    """Of the search service."""
    return Board(
        name="search",
        title="Usher / Search",
        text="Searches, what Elasticsearch takes for them, and how far the index is behind.",
        service="search",
        sections=(
            Section(
                "Now",
                (
                    number("Searches a second", "First pages.", "reqps", rate(SEARCHES), width=6),
                    number(
                        "Found nothing",
                        "Share of searches.",
                        "percentunit",
                        share(rate(SEARCHES, where='outcome="empty"'), rate(SEARCHES)),
                        width=6,
                    ),
                    number(
                        "p99",
                        "99 of 100 searches take no longer.",
                        "s",
                        quantile(0.99, rows.SECONDS, where=SEARCH),
                        warn=0.5,
                        alarm=1,
                        width=6,
                    ),
                    number(
                        "Behind",
                        "Records not read yet.",
                        "short",
                        total("usher_consumer_lag"),
                        warn=1_000,
                        alarm=10_000,
                        alert="UsherConsumerBehind",
                        width=6,
                    ),
                ),
            ),
            Section(
                "Visitors",
                (
                    areas(
                        "Searches", "Whether something was found.", "reqps", {"{{outcome}}": rate(SEARCHES, "outcome")}
                    ),
                    lines("A search takes", "As the service sees it.", "s", percentiles(rows.SECONDS, SEARCH)),
                    areas(
                        "Suggestions",
                        "While somebody types.",
                        "reqps",
                        {"{{outcome}}": or_calm(rate("usher_suggestions_total", "outcome"), "outcome")},
                    ),
                ),
            ),
            index(),
            rows.consuming(),
            Section(
                "Index",
                (
                    lines(
                        "Filled again",
                        "Times that the index had lost something, an hour.",
                        "short",
                        {"{{job}}": or_none(f"3600 * sum(rate(usher_index_heals_total{{SCOPE}}[{INTERVAL}]))")},
                    ),
                ),
            ),
        ),
    )
