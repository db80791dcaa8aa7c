"""Reads what the platform and its organizers agreed on about money; refuses to start on anything malformed."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from domain_kit.money import Money
from payment_service.domain.terms import Share, Terms, TermsBook
from payment_service.outbound.capability_files import capabilities_of

FIELDS = {"fee_basis_points", "fee_returned", "holding_days", "shares"}


def read_terms(path: str) -> TermsBook:
    """The file at `path`; empty: data/terms.json, by which nobody pays a fee. ValueError names what is wrong."""
    text = Path(path).read_text("utf-8") if path else files("payment_service").joinpath("data/terms.json").read_text()
    document = json.loads(text)
    if document.keys() != {"usual", "agreed"}:
        raise ValueError("terms: `usual` and `agreed` are needed, and nothing else")
    agreed = {name: _terms(name, each) for name, each in document["agreed"].items()}
    return TermsBook(_terms("usual", document["usual"]), agreed)


def expected_fee(gateway: str, amount: Money) -> Money:
    """What the gateway's capability file says it keeps; nothing where there is no such file."""
    try:
        return capabilities_of(gateway).fee_of(amount)
    except FileNotFoundError:
        return Money(0, amount.currency)


def _terms(name: str, given: Mapping[str, Any]) -> Terms:
    if wrong := given.keys() ^ FIELDS:
        raise ValueError(f"terms of {name}: {', '.join(sorted(wrong))}")
    shares = tuple(Share(organizer, points) for organizer, points in given["shares"].items())
    try:
        return Terms(given["fee_basis_points"], given["fee_returned"], given["holding_days"], shares)
    except (ValueError, TypeError) as trouble:
        raise ValueError(f"terms of {name}: {trouble}") from trouble
