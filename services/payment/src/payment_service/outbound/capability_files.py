"""Reads data/gateways/<name>.json; refuses to start on any figure that is malformed or without a source."""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from domain_kit.money import exponent_of
from payment_service.domain.capabilities import Capabilities, CurrencyRule, Fee, Method
from payment_service.domain.gateways import MethodKind

TOP = {
    "display_name", "sources", "methods", "currencies", "currency_rules", "countries", "fees", "capture_days",
    "partial_captures", "refund_days", "partial_refunds", "disputes", "saved_methods",
}  # fmt: skip
MAY_HAVE = {"$schema", "no_disputes"}  # the first is for editors
RULE = {"exponent", "step", "minimum", "maximum", "source"}
METHOD = {"kind", "countries", "currencies", "source"}


@cache
def capabilities_of(gateway: str) -> Capabilities:
    """Of that gateway; ValueError names the first thing that is wrong, FileNotFoundError where there is no file."""
    text = files("payment_service").joinpath(f"data/gateways/{gateway}.json").read_text("utf-8")
    return read_capabilities(gateway, json.loads(text))


def read_capabilities(gateway: str, given: Mapping[str, Any]) -> Capabilities:
    """See data/gateways/schema.json: every `source` is a key of `sources`, which say where and when it was read."""
    _only(gateway, given, TOP | MAY_HAVE, needed=TOP)
    sources = given["sources"]
    for name, source in sources.items():
        _only(f"{gateway} source {name}", source, {"url", "read"})
        if not source["url"].startswith("https://"):
            raise ValueError(f"{gateway} source {name}: {source['url']}")
        date.fromisoformat(source["read"])

    def value(where: str, figure: Mapping[str, Any]) -> Any:
        _sourced(f"{gateway} {where}", figure, sources)
        return figure["value"]

    currencies = {code: CurrencyRule(exponent_of(code)) for code in value("currencies", given["currencies"])}
    for code, rule in given["currency_rules"].items():
        where = f"{gateway} {code}"
        _only(where, rule, RULE, needed={"source"})
        _sourced(where, rule, sources)
        if code not in currencies:
            raise ValueError(f"{where}: a rule for a currency that is not taken")
        exponent = rule.get("exponent", exponent_of(code))
        currencies[code] = CurrencyRule(
            exponent, rule.get("step", 1), rule.get("minimum", 1), rule.get("maximum", 0)
        )  # fmt: skip
    if "no_disputes" in given:
        _only(f"{gateway} no_disputes", given["no_disputes"], {"why", "source"})
        _sourced(f"{gateway} no_disputes", given["no_disputes"], sources)
    methods = {}
    for name, each in given["methods"].items():
        where = f"{gateway} {name}"
        _only(where, each, METHOD, needed={"kind", "source"})
        _sourced(where, each, sources)
        countries, taken = frozenset(each.get("countries", ())), frozenset(each.get("currencies", ()))
        if not taken <= currencies.keys():
            raise ValueError(f"{where}: currencies that the gateway does not take")
        methods[name] = Method(name, MethodKind(each["kind"]), countries, taken)
    fees = {code: Fee(each["basis_points"], each["fixed"]) for code, each in value("fees", given["fees"]).items()}
    if "*" not in fees or not methods or not currencies:
        raise ValueError(f"{gateway}: a fee for all other currencies, a method and a currency are needed")
    return Capabilities(
        gateway=gateway,
        display_name=given["display_name"],
        methods=methods,
        currencies=currencies,
        countries=frozenset(value("countries", given["countries"])),
        fees=fees,
        capture_days=value("capture_days", given["capture_days"]),
        partial_captures=value("partial_captures", given["partial_captures"]),
        refund_days=value("refund_days", given["refund_days"]),
        partial_refunds=value("partial_refunds", given["partial_refunds"]),
        disputes=_flag(f"{gateway} disputes", given["disputes"]),
        saved_methods=_flag(f"{gateway} saved_methods", given["saved_methods"]),
    )


def _only(where: str, given: Mapping[str, Any], allowed: set[str], needed: set[str] | None = None) -> None:
    wrong = given.keys() - allowed or (allowed if needed is None else needed) - given.keys()
    if wrong:
        raise ValueError(f"{where}: {', '.join(sorted(wrong))}")


def _flag(where: str, given: Any) -> bool:
    """What our adapter does: its code is the source."""
    if given not in (True, False):
        raise ValueError(f"{where}: {given}")
    return bool(given)


def _sourced(where: str, figure: Mapping[str, Any], sources: Mapping[str, Any]) -> None:
    if figure.get("source") not in sources:
        raise ValueError(f"{where}: a source that is named in `sources` is needed")
