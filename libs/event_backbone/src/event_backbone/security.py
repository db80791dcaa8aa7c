"""What Kafka's clients are given to encrypt and to log in, from the settings of a process."""

import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from environment import KafkaSettings, SettingsError

# Options of each aiokafka client, made anew for each: certificates that were renewed meanwhile are read then.
Security = Callable[[], Mapping[str, Any]]


def security_of(settings: KafkaSettings) -> Security:
    """SettingsError at once for files that cannot be used, and from what is returned when they can no longer."""
    if settings.kafka_encrypted or settings.kafka_logged_in:
        _tell_what_is_refused()

    def options() -> Mapping[str, Any]:
        found: dict[str, Any] = {"security_protocol": settings.kafka_security}
        if settings.kafka_encrypted:
            found["ssl_context"] = _context(settings)
        if settings.kafka_logged_in:
            found["sasl_mechanism"] = settings.kafka_mechanism
            found["sasl_plain_username"] = settings.kafka_user
            found["sasl_plain_password"] = settings.kafka_password
        return found

    options()
    return options


def _tell_what_is_refused() -> None:
    """In the log: what aiokafka raises says only that no broker could be used."""
    # At DEBUG it writes down each request, the one with the password too.
    connections = logging.getLogger("aiokafka.conn")
    connections.setLevel(max(connections.level, logging.INFO))
    clients = logging.getLogger("aiokafka.client")
    clients.setLevel(logging.ERROR)
    clients.addFilter(_about_a_refusal)


def _about_a_refusal(record: logging.LogRecord) -> bool:
    """That a broker is away is told elsewhere, and not with each attempt."""
    said = record.getMessage()
    return any(word in said for word in ("Authentication", "SSL", "SASL", "Sasl", "certificate"))


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer; the broker's name is in its certificate, or it is not spoken to."""
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file or None)
    except OSError as error:
        raise SettingsError([f"USHER_KAFKA_CA_FILE cannot be used: {_reason(error)}"]) from None
    if settings.kafka_cert_file:
        try:
            context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file, password=_no_password)
        except OSError as error:
            problem = f"USHER_KAFKA_CERT_FILE or USHER_KAFKA_KEY_FILE cannot be used: {_reason(error)}"
            raise SettingsError([problem]) from None
    return context


def _no_password() -> str:
    """Without it OpenSSL would ask a terminal."""
    return ""


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
