"""What a query in PromQL asks for."""

from dataclasses import dataclass

import promql_parser

RANGES = {"$__rate_interval": "1m", "$__range": "1h", "$__interval": "15s"}


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and the labels that choose among its series, with what they are compared with."""

    metric: str
    matchers: tuple[tuple[str, str], ...]


def with_ranges(query):
    """As Grafana would send it, but for its variables of labels, which are texts to the parser."""
    for word, value in RANGES.items():
        query = query.replace(word, value)
    return query


def selectors(query):
    """All of them. ValueError where it is no PromQL."""
    found = []

    def see(node):
        vector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(vector, promql_parser.VectorSelector):
            matchers = tuple((each.name, each.value) for each in vector.matchers.matchers)
            found.append(Selector(vector.name, matchers))
        return True

    promql_parser.walk(promql_parser.parse(with_ranges(query)), see)
    return tuple(dict.fromkeys(found))


def grouped_by(query):
    """Labels that aggregations keep."""
    found = set()

    def see(node):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(with_ranges(query)), see)
    return found
