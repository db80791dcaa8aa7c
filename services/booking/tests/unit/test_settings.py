import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from booking_service.settings import Settings
from environment import SettingsError, read

NEEDED = {"USHER_MONGODB_URI": "mongodb://x", "USHER_KAFKA_BROKERS": "x:1", "USHER_PAGE_TOKEN_KEY": "0123456789abcdef"}


def test_holds_last_ten_minutes_unless_said_otherwise():
    assert read(Settings, NEEDED).hold_seconds == 600
    assert read(Settings, NEEDED | {"USHER_HOLD_SECONDS": "1.5"}).hold_seconds == 1.5


@pytest.mark.parametrize(
    "variable",
    ["USHER_HOLD_SECONDS", "USHER_WATCH_SECONDS", "USHER_LANES", "USHER_LANE_BOUND", "USHER_WAITING_ROOM_STREAMS"],
)
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_malformed_setting_is_refused_by_name(variable, value):
    with pytest.raises(SettingsError, match=variable):
        read(Settings, NEEDED | {variable: value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("USHER_APPLE_PASS_KEY", "secret-key"),
        ("USHER_APPLE_PASS_CERTIFICATES", "none"),
        ("USHER_GOOGLE_WALLET_ISSUER", "33880000"),
        ("USHER_GOOGLE_WALLET_ACCOUNT", '{"client_email": "secret-key"}'),
    ],
)
def test_half_a_wallet_is_refused_by_name_without_its_value(variable, value):
    with pytest.raises(SettingsError, match=variable) as refused:
        read(Settings, NEEDED | {variable: value})
    assert "secret-key" not in str(refused.value)


def test_without_wallets_nothing_signs_passes():
    settings = read(Settings, NEEDED)
    assert (settings.apple_signer(), settings.google_signer()) == (None, None)


def test_a_wallet_is_read_and_its_key_is_not_shown():
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = json.dumps({"client_email": "wallet@example", "private_key": key.decode()})
    said = {"USHER_GOOGLE_WALLET_ISSUER": "33880000", "USHER_GOOGLE_WALLET_ACCOUNT": account}
    settings = read(Settings, NEEDED | said)
    assert settings.google_signer().account == "wallet@example"
    assert "PRIVATE KEY" not in repr(settings)
