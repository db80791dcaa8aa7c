"""Settings from the environment: a frozen dataclass per service, read once, complete or refused."""

from environment.kafka import KafkaSettings
from environment.reading import SettingsError, read, variable
from environment.service import ServiceSettings

__all__ = ["KafkaSettings", "ServiceSettings", "SettingsError", "read", "variable"]
