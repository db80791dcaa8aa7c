from datetime import timedelta

import pytest

from environment import SettingsError, read
from user_service.settings import Settings

NEEDED = {"USHER_MONGODB_URI": "mongodb://secret@db", "USHER_KAFKA_BROKERS": "k:9092", "USHER_PAGE_TOKEN_KEY": "k" * 32}


def test_the_defaults_are_those_of_owasp_and_the_contract():
    settings = read(Settings, NEEDED)
    assert (settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes) == (19456, 2, 1)
    assert (settings.service, settings.database, settings.topic) == ("user", "usher_user", "usher.user.v1")
    assert settings.limits.retry == timedelta(seconds=5)
    assert "secret" not in repr(settings)


def test_malformed_settings_are_all_named_at_once():
    with pytest.raises(SettingsError) as error:
        read(Settings, {**NEEDED, "USHER_ARGON2_PASSES": "0", "USHER_REFRESH_RETRY_SECONDS": "-1"})
    assert len(error.value.problems) == 2


def test_the_retry_of_lost_answers_can_be_turned_off():
    assert read(Settings, {**NEEDED, "USHER_REFRESH_RETRY_SECONDS": "0"}).limits.retry == timedelta()
