"""How Kafka is reached, by services and by every job that talks to it."""

from dataclasses import dataclass

from environment.reading import SettingsError, one_of, variable

ENCRYPTED = ("SSL", "SASL_SSL")
LOGGED_IN = ("SASL_SSL", "SASL_PLAINTEXT")


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """kafka_security: Kafka's own names for listeners. kafka_ca_file: PEM; empty: the authorities the machine trusts.

    kafka_cert_file, kafka_key_file: PEM, for brokers that ask for a client's certificate.
    What the security does not use is refused, so that nobody believes to be protected by it.
    """

    kafka_brokers: str = variable("USHER_KAFKA_BROKERS")
    kafka_security: str = variable(
        "USHER_KAFKA_SECURITY", one_of("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"), default="PLAINTEXT"
    )
    kafka_mechanism: str = variable(
        "USHER_KAFKA_MECHANISM", one_of("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"), default="SCRAM-SHA-512"
    )
    kafka_user: str = variable("USHER_KAFKA_USER", default="")
    kafka_password: str = variable("USHER_KAFKA_PASSWORD", default="", secret=True)
    kafka_ca_file: str = variable("USHER_KAFKA_CA_FILE", default="")
    kafka_cert_file: str = variable("USHER_KAFKA_CERT_FILE", default="")
    kafka_key_file: str = variable("USHER_KAFKA_KEY_FILE", default="")

    def __post_init__(self) -> None:
        """SettingsError for what does not go together."""
        problems = [*self._login_problems(), *self._certificate_problems()]
        if problems:
            raise SettingsError(problems)

    @property
    def kafka_encrypted(self) -> bool:
        """Whether brokers are spoken to over TLS."""
        return self.kafka_security in ENCRYPTED

    @property
    def kafka_logged_in(self) -> bool:
        """Whether clients log in with user and password."""
        return self.kafka_security in LOGGED_IN

    def _login_problems(self) -> list[str]:
        given = {"USHER_KAFKA_USER": self.kafka_user, "USHER_KAFKA_PASSWORD": self.kafka_password}
        if self.kafka_logged_in:
            return [f"{name} is missing, {self.kafka_security} needs it" for name, value in given.items() if not value]
        return [f"{name} is set, but {self.kafka_security} has no login" for name, value in given.items() if value]

    def _certificate_problems(self) -> list[str]:
        pair = {"USHER_KAFKA_CERT_FILE": self.kafka_cert_file, "USHER_KAFKA_KEY_FILE": self.kafka_key_file}
        given = {"USHER_KAFKA_CA_FILE": self.kafka_ca_file, **pair}
        if not self.kafka_encrypted:
            return [f"{name} is set, but {self.kafka_security} has no TLS" for name, value in given.items() if value]
        if bool(self.kafka_cert_file) is bool(self.kafka_key_file):
            return []
        return [f"{name} is missing, certificate and key go together" for name, value in pair.items() if not value]
