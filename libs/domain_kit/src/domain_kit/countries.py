"""Countries by their ISO 3166-1 codes."""

import json
from functools import cache
from importlib.resources import files


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes that are officially assigned (see the data file for its source)."""
    text = files("domain_kit").joinpath("data/iso3166.json").read_text("utf-8")
    return frozenset(json.loads(text)["alpha_2"].split())


def is_country(code: str) -> bool:
    """Whether a country has that code, in capitals."""
    return code in countries()
