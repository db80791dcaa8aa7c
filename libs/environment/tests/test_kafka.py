"""How Kafka is reached: every way that works is taken, every other is refused with one line that says what to do."""

import itertools
import logging
from dataclasses import dataclass

import pytest

from environment import KafkaSettings, ServiceSettings, SettingsError, read

BROKERS = {"USHER_KAFKA_BROKERS": "k:9093"}
LOGIN = {"USHER_KAFKA_USER": "usher", "USHER_KAFKA_PASSWORD": "hunter2"}
CA = {"USHER_KAFKA_CA_FILE": "/ca.crt"}
PAIR = {"USHER_KAFKA_CERT_FILE": "/tls.crt", "USHER_KAFKA_KEY_FILE": "/tls.key"}
# Security → what goes with it and has to be there, what goes with it and may be there.
WAYS = {"PLAINTEXT": ({}, {}), "SSL": ({}, CA | PAIR), "SASL_SSL": (LOGIN, CA | PAIR), "SASL_PLAINTEXT": (LOGIN, {})}


def told(environ):
    """What is wrong, as an operator reads it; empty where nothing is."""
    try:
        read(KafkaSettings, BROKERS | environ)
    except SettingsError as refused:
        return refused.problems
    return []


@pytest.mark.parametrize("security", WAYS)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_each_way_is_taken_with_all_that_goes_with_it_and_with_what_it_needs_alone(security, mechanism):
    needed, possible = WAYS[security]
    way = {"USHER_KAFKA_SECURITY": security, "USHER_KAFKA_MECHANISM": mechanism}
    assert told(way | needed) == []
    settings = read(KafkaSettings, BROKERS | way | needed | possible)
    assert (settings.kafka_security, settings.kafka_mechanism) == (security, mechanism)
    assert (settings.kafka_encrypted, settings.kafka_logged_in) == ("SSL" in security, "SASL" in security)


@pytest.mark.parametrize("security", WAYS)
def test_every_combination_is_taken_or_refused_by_the_names_of_what_is_wrong(security):
    needed, possible = WAYS[security]
    names = [*LOGIN, *CA, *PAIR]
    for count in range(len(names) + 1):
        for chosen in itertools.combinations(names, count):
            wrong = {name for name in needed if name not in chosen}
            wrong |= {name for name in chosen if name not in needed and name not in possible}
            if possible and len(set(PAIR) & set(chosen)) == 1:
                wrong |= set(PAIR) - set(chosen)
            given = {"USHER_KAFKA_SECURITY": security} | {name: (LOGIN | CA | PAIR)[name] for name in chosen}
            assert {problem.partition(" ")[0] for problem in told(given)} == wrong, chosen


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"SECURITY": "TLS"}, f"SECURITY is malformed: must be one of {', '.join(WAYS)}"),
        ({"SECURITY": "sasl_ssl"}, f"SECURITY is malformed: must be one of {', '.join(WAYS)}"),
        ({"MECHANISM": "GSSAPI"}, "MECHANISM is malformed: must be one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
        ({"SECURITY": "SASL_SSL", "USER": "u"}, "PASSWORD is missing, SASL_SSL needs it"),
        ({"SECURITY": "SSL", "PASSWORD": "p"}, "PASSWORD is set, but SSL has no login"),
        ({"CA_FILE": "/ca.crt"}, "CA_FILE is set, but PLAINTEXT has no TLS"),
        ({"SECURITY": "SSL", "CERT_FILE": "/c"}, "KEY_FILE is missing, certificate and key go together"),
    ],
)
def test_what_is_wrong_is_one_clear_line(environ, line):
    assert told({f"USHER_KAFKA_{name}": value for name, value in environ.items()}) == [f"USHER_KAFKA_{line}"]


def test_the_password_is_in_no_text_that_could_be_logged(caplog):
    settings = read(KafkaSettings, BROKERS | LOGIN | {"USHER_KAFKA_SECURITY": "SASL_SSL"})
    logging.getLogger("usher").warning("settings %r", settings)
    assert "hunter2" not in caplog.text
    assert "usher" in caplog.text
    assert "hunter2" not in "".join(told(LOGIN))


SERVICE = BROKERS | {"USHER_MONGODB_URI": "mongodb://x", "USHER_PAGE_TOKEN_KEY": "0123456789abcdef"}
TLS = {"USHER_TLS_CERT_FILE": "/tls.crt", "USHER_TLS_KEY_FILE": "/tls.key", "USHER_TLS_CA_FILE": "/ca.crt"}


@pytest.fixture
def settings_of():
    """`settings_of(environ)`: those of some service."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(ServiceSettings):
        service: str = "booking"

    return lambda environ: read(Settings, SERVICE | environ)


def test_certificate_key_and_ca_go_together_or_not_at_all(settings_of):
    assert settings_of({}).tls_peers == ()
    settings = settings_of(TLS | {"USHER_TLS_PEERS": "a.example, b.example"})
    assert settings.tls_peers == ("a.example", "b.example")
    for name in TLS:
        with pytest.raises(SettingsError, match=f"{name} is missing, certificate, key and CA go together"):
            settings_of({key: value for key, value in TLS.items() if key != name})


def test_names_that_may_call_are_worth_nothing_without_certificates(settings_of):
    with pytest.raises(SettingsError, match="USHER_TLS_PEERS is set, but"):
        settings_of({"USHER_TLS_PEERS": "a.example"})
    with pytest.raises(SettingsError, match="USHER_TLS_PEERS is malformed: must be names with commas between them"):
        settings_of(TLS | {"USHER_TLS_PEERS": "a.example,,"})


def test_a_service_is_held_to_the_rules_of_kafka_too(settings_of):
    with pytest.raises(SettingsError, match="USHER_KAFKA_USER is missing, SASL_PLAINTEXT needs it"):
        settings_of({"USHER_KAFKA_SECURITY": "SASL_PLAINTEXT"})
    assert settings_of({"USHER_HEALTH_PORT": "8081"}).health_port == 8081
    assert settings_of({}).health_port is None
