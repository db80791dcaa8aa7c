"""rates: what is asked of the gateway, and what is told of its answer."""

import json
from contextlib import nullcontext

import httpx
import pytest
from typer.testing import CliRunner

from usher_cli import rate_commands
from usher_cli.api import Api
from usher_cli.app import build

YEN = {"currencyCode": "JPY", "rate": "163.25", "rateTime": "2027-03-01T12:00:00Z", "rateSource": "ECB"}
EVENT = {"name": "events/e", "currencyCode": "EUR", "offeredCurrencies": [YEN], "etag": "7"}


@pytest.fixture
def usher(monkeypatch, tmp_path):
    """Runs a command line against a gateway that keeps one event; `seen`: what it was asked."""
    seen = []

    def answer(request):
        seen.append(request)
        change = json.loads(request.content) if request.method == "PATCH" else {}
        return httpx.Response(200, json={**EVENT, **change})

    def api(_url):
        made = Api("http://gateway")
        made.client.close()
        made.client = httpx.Client(base_url="http://gateway", transport=httpx.MockTransport(answer))
        return nullcontext(made)

    class Stack:
        def url(self):
            return "http://gateway"

    monkeypatch.setattr(rate_commands, "Api", api)
    monkeypatch.setattr(rate_commands, "stack_of", lambda _data: Stack())

    def run(*arguments):
        return CliRunner().invoke(build(), ["rates", *arguments, "--data", str(tmp_path)], catch_exceptions=False)

    run.seen = seen
    return run


def test_rates_are_listed_for_people_and_programs(usher):
    shown = usher("list", "events/e").stdout
    assert "one EUR is" in shown
    assert "163.25 JPY" in shown
    assert json.loads(usher("list", "events/e", "--json").stdout) == {
        "event": "events/e", "currency": "EUR", "offered": [YEN],
    }  # fmt: skip


def test_a_rate_is_set_beside_the_others_and_one_without_a_rate_is_taken_back(usher):
    told = ("--source", "ECB", "--as-of", "2027-03-02T12:00:00Z", "--token", "t", "--json")
    assert usher("set", "events/e", "USD=1.08", *told).exit_code == 0
    patch = usher.seen[-1]
    assert (patch.url.path, patch.url.params["updateMask"]) == ("/v1/events/e", "offeredCurrencies")
    assert patch.headers["authorization"] == "Bearer t"
    dollars = {"currencyCode": "USD", "rate": "1.08", "rateTime": "2027-03-02T12:00:00Z", "rateSource": "ECB"}
    assert json.loads(patch.content) == {"etag": "7", "offeredCurrencies": [YEN, dollars]}
    usher("set", "events/e", "JPY=", "USD=1.08", "--own", "EUR", *told)
    assert json.loads(usher.seen[-1].content) == {
        "etag": "7", "currencyCode": "EUR", "offeredCurrencies": [dollars],
    }  # fmt: skip
    assert usher.seen[-1].url.params["updateMask"] == "currencyCode,offeredCurrencies"


def test_what_is_no_rate_is_told_before_anything_is_asked(usher):
    refused = usher("set", "events/e", "yen=163")
    assert (refused.exit_code, usher.seen) == (1, [])
    assert "'yen=163' is no CODE=RATE" in refused.stderr
