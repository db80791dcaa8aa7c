"""Settings of the notification service."""

from dataclasses import dataclass

from environment import ServiceSettings, variable
from environment.reading import port


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """smtp: where mail goes. mail_from: the sender's address."""

    service: str = "notification"
    smtp_host: str = variable("USHER_SMTP_HOST")
    smtp_port: int = variable("USHER_SMTP_PORT", port, default=25)
    mail_from: str = variable("USHER_MAIL_FROM")

    @property
    def mail_domain(self) -> str:
        """What Message-IDs end in."""
        return self.mail_from.rpartition("@")[2].rstrip(">") or "localhost"
