"""Settings of the payment service, and the file of its gateways."""

import json

import pytest

from environment import SettingsError, read
from payment_service.outbound.gateway_registry import KNOWN, read_credentials
from payment_service.settings import Settings

ENVIRONMENT = {
    "USHER_MONGODB_URI": "mongodb://x",
    "USHER_KAFKA_BROKERS": "x:1",
    "USHER_PAGE_TOKEN_KEY": "k",
    "USHER_BOOKING_TARGET": "booking:1",
    "USHER_GATEWAYS_FILE": "/etc/usher/gateways.json",
}


def test_the_gateways_are_in_a_file_that_must_be_named() -> None:
    assert read(Settings, ENVIRONMENT).gateways_file == "/etc/usher/gateways.json"
    with pytest.raises(SettingsError, match="USHER_GATEWAYS_FILE is missing"):
        read(Settings, ENVIRONMENT | {"USHER_GATEWAYS_FILE": ""})


def test_an_entry_for_each_gateway_is_read(tmp_path) -> None:
    file = tmp_path / "gateways.json"
    file.write_text(json.dumps({name: {"api_key": "k"} for name in KNOWN}))
    assert set(read_credentials(str(file))) == set(KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"stripe": "sk_hidden"}',
        '{"stripe": {"api_key": 7, "b": "sk_hidden"}}',
        '{"strpe": {"a": "sk_hidden"}}',
        '{"stripe": {"a": "sk_hidden"',
    ],
)
def test_a_file_that_is_none_is_refused_without_what_stands_in_it(tmp_path, text: str) -> None:
    file = tmp_path / "gateways.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"gateways\.json") as caught:
        read_credentials(str(file))
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
