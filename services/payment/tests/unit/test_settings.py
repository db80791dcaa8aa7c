"""Settings of the payment service."""

import pytest

from environment import SettingsError, read
from payment_service.settings import Settings

ENVIRONMENT = {
    "USHER_MONGODB_URI": "mongodb://x",
    "USHER_KAFKA_BROKERS": "x:1",
    "USHER_PAGE_TOKEN_KEY": "k",
    "USHER_BOOKING_TARGET": "booking:1",
    "USHER_STRIPE_API_KEY": "sk_test_hidden",
    "USHER_STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
}


def test_two_webhook_secrets_may_live_at_once_and_no_secret_is_shown() -> None:
    settings = read(Settings, ENVIRONMENT)
    assert settings.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert "hidden" not in repr(settings)
    assert "whsec" not in repr(settings)


def test_a_list_of_no_secrets_is_refused() -> None:
    with pytest.raises(SettingsError, match="USHER_STRIPE_WEBHOOK_SECRET is malformed"):
        read(Settings, ENVIRONMENT | {"USHER_STRIPE_WEBHOOK_SECRET": " , "})
