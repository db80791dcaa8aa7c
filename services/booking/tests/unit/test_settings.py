import pytest

from booking_service.settings import Settings
from environment import SettingsError, read

NEEDED = {"USHER_MONGODB_URI": "mongodb://x", "USHER_KAFKA_BROKERS": "x:1", "USHER_PAGE_TOKEN_KEY": "0123456789abcdef"}


def test_holds_last_ten_minutes_unless_said_otherwise():
    assert read(Settings, NEEDED).hold_seconds == 600
    assert read(Settings, NEEDED | {"USHER_HOLD_SECONDS": "1.5"}).hold_seconds == 1.5


@pytest.mark.parametrize("variable", ["USHER_HOLD_SECONDS", "USHER_WATCH_SECONDS", "USHER_LANES", "USHER_LANE_BOUND"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_malformed_setting_is_refused_by_name(variable, value):
    with pytest.raises(SettingsError, match=variable):
        read(Settings, NEEDED | {variable: value})
