"""Traces that begin at the gateway."""

import json
from urllib.parse import urlsplit

import yaml

from gateway_config.places import TRACING
from gateway_config.render import render_gateway


def with_traces(configuration: str, endpoint: str, ratio: float) -> str:
    """The rendered configuration, with `ratio` (0…1) of all requests traced to an OTLP/gRPC `endpoint`.

    endpoint: http://host:port. ValueError for another scheme: Envoy speaks plain HTTP/2 to the collector.
    """
    place = urlsplit(endpoint)
    if place.scheme != "http" or not place.hostname:
        raise ValueError(f"the gateway sends traces to http://host:port, not to {endpoint}")
    values = {
        "TRACE_PERCENT": f"{100 * ratio:g}",
        "TRACES_HOST": place.hostname,
        "TRACES_PORT": str(place.port or 4317),
    }
    added, document = yaml.safe_load(render_gateway(TRACING.read_text(), values)), yaml.safe_load(configuration)
    resources = document["static_resources"]
    resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["tracing"] = added["tracing"]
    resources["clusters"].append(added["cluster"])
    return json.dumps(document, indent=1)
