"""Settings are complete and well-formed, or the service does not start."""

from dataclasses import dataclass

import pytest

from environment import ServiceSettings, SettingsError, read, variable

COMPLETE = {
    "USHER_MONGODB_URI": "mongodb://user:hunter2@db/",
    "USHER_KAFKA_BROKERS": "k:9092",
    "USHER_PAGE_TOKEN_KEY": "0123456789abcdef",
}


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    service: str = "booking"
    hold_seconds: int = variable("USHER_HOLD_SECONDS", int, default=600)


def test_defaults_fill_what_is_absent_or_empty() -> None:
    settings = read(Settings, COMPLETE | {"USHER_GRPC_PORT": "", "USHER_HOLD_SECONDS": "30"})
    assert (settings.port, settings.hold_seconds, settings.database) == (0, 30, "usher_booking")


def test_all_problems_are_told_at_once_and_secrets_are_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, {"USHER_MONGODB_URI": "x", "USHER_GRPC_PORT": "70000", "USHER_TRACE_RATIO": "2"})
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "USHER_KAFKA_BROKERS is missing",
        "USHER_PAGE_TOKEN_KEY is missing",
        "USHER_GRPC_PORT is malformed",
        "USHER_TRACE_RATIO is malformed",
    ]


def test_secrets_stay_out_of_the_representation() -> None:
    assert "hunter2" not in repr(read(Settings, COMPLETE))
