"""What Kafka's clients are given is what the settings say, and nothing of it is written down."""

import logging
import ssl
import sys

import pytest

from environment import KafkaSettings, SettingsError, read
from event_backbone import BrokerUnavailable, KafkaBroker, topics
from event_backbone.security import security_of
from testkit.certificates import Authority

LOGIN = {"USHER_KAFKA_USER": "usher", "USHER_KAFKA_PASSWORD": "hunter2"}


def settings(security, **more):
    return read(KafkaSettings, {"USHER_KAFKA_BROKERS": "127.0.0.1:1", "USHER_KAFKA_SECURITY": security, **more})


@pytest.fixture
def certified(tmp_path):
    return Authority().certify(tmp_path / "client", "usher")


@pytest.fixture
def files(certified):
    return {
        "USHER_KAFKA_CA_FILE": str(certified.authority),
        "USHER_KAFKA_CERT_FILE": str(certified.certificate),
        "USHER_KAFKA_KEY_FILE": str(certified.key),
    }


def test_a_plain_client_is_given_nothing_more():
    assert security_of(settings("PLAINTEXT"))() == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
@pytest.mark.parametrize("security", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_who_logs_in_is_given_user_and_password(security, mechanism):
    options = dict(security_of(settings(security, **LOGIN, USHER_KAFKA_MECHANISM=mechanism))())
    assert isinstance(options.pop("ssl_context", None), ssl.SSLContext) is (security == "SASL_SSL")
    assert options == {
        "security_protocol": security,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "usher",
        "sasl_plain_password": "hunter2",
    }


def test_over_tls_the_named_authority_alone_is_trusted_and_the_brokers_name_is_checked(files):
    context = security_of(settings("SSL", **files))()["ssl_context"]
    assert len(context.get_ca_certs()) == 1
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_certificates_that_were_renewed_are_read_for_the_next_client(certified, files):
    security = security_of(settings("SSL", **files))
    before = security()["ssl_context"].get_ca_certs(binary_form=True)
    Authority("Next CA").certify(certified.folder, "usher")
    assert security()["ssl_context"].get_ca_certs(binary_form=True) != before


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("USHER_KAFKA_CA_FILE", "settings: USHER_KAFKA_CA_FILE cannot be used: No such file or directory"),
        (
            "USHER_KAFKA_KEY_FILE",
            "settings: USHER_KAFKA_CERT_FILE or USHER_KAFKA_KEY_FILE cannot be used: No such file or directory",
        ),
    ],
)
def test_a_file_that_is_not_there_is_named_at_once(files, variable, line):
    with pytest.raises(SettingsError) as refused:
        KafkaBroker.of(settings("SSL", **files | {variable: "/nowhere.pem"}))
    assert str(refused.value) == line


def test_a_file_that_is_no_certificate_is_named_and_not_shown(files, certified):
    certified.authority.resolve().write_text("hunter2")
    with pytest.raises(SettingsError, match="USHER_KAFKA_CA_FILE cannot be used: ") as refused:
        KafkaBroker.of(settings("SSL", **files))
    assert "hunter2" not in str(refused.value)


async def test_a_file_that_goes_while_the_process_runs_is_a_broker_that_cannot_be_used(files, certified):
    broker = KafkaBroker.of(settings("SSL", **files))
    certified.authority.resolve().unlink()
    with pytest.raises(BrokerUnavailable, match="USHER_KAFKA_CA_FILE cannot be used"):
        await broker.ensure_topics({})


async def test_no_log_level_shows_the_login(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiokafka.conn").setLevel(logging.DEBUG)
    broker = KafkaBroker.of(settings("SASL_PLAINTEXT", **LOGIN, USHER_KAFKA_MECHANISM="PLAIN"))
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)
    with pytest.raises(BrokerUnavailable) as away:
        await broker.ensure_topics({})
    assert "hunter2" not in caplog.text + str(away.value) + repr(away.value.__cause__)


NO_PASSWORD = "USHER_KAFKA_PASSWORD is missing, SASL_SSL needs it"


def test_that_a_login_was_refused_is_in_the_log_and_that_a_broker_is_away_is_not(caplog):
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # as services do
    security_of(settings("SASL_PLAINTEXT", **LOGIN))
    clients = logging.getLogger("aiokafka.client")
    clients.error("Unable connect to %r: %s", "k:1", "[Errno 111] Connect call failed")
    assert caplog.text == ""
    clients.error("Unable connect to %r: %s", "k:1", "[Error 58] SaslAuthenticationFailed: ...")
    assert "SaslAuthenticationFailed" in caplog.text


ARGUMENTS = ("usher.one.v1", "--partitions=1", "--copies=1", "--retention-hours=1")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "settings: USHER_KAFKA_BROKERS is missing"),
        (
            {"USHER_KAFKA_BROKERS": "k:1", "USHER_KAFKA_SECURITY": "SASL_SSL"},
            "settings: USHER_KAFKA_USER is missing, SASL_SSL needs it; " + NO_PASSWORD,
        ),
        (
            {"USHER_KAFKA_BROKERS": "k:1", "USHER_KAFKA_SECURITY": "SSL", "USHER_KAFKA_CA_FILE": "/nowhere"},
            "settings: USHER_KAFKA_CA_FILE cannot be used: No such file or directory",
        ),
    ],
)
def test_the_job_of_the_topics_is_held_to_the_same_settings(monkeypatch, environ, line):
    monkeypatch.setattr(sys, "argv", ["topics", *ARGUMENTS])
    monkeypatch.setattr(topics.os, "environ", environ)
    with pytest.raises(SystemExit) as ended:
        topics.main()
    assert ended.value.code == line
