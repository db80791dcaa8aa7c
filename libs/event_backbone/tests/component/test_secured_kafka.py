"""Relay and consumer on an Apache Kafka that asks for TLS and a login (Java 17 and Maven; skipped without)."""

import logging
import os
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode

import pytest

from environment import KafkaSettings, read
from event_backbone import BrokerUnavailable, KafkaBroker
from event_backbone.security import security_of
from local_stack import native
from local_stack.failures import StackFailure
from local_stack.ports import choose_ports
from testkit.certificates import Authority

PASSWORD = "correct-horse"
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},INTERNAL://127.0.0.1:{internal}
advertised.listeners=SASL_SSL://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
    required user_usher="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/truststore.pem
ssl.client.auth=requested
log.dirs={folder}/log
num.partitions=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
"""


def java(*arguments):
    return [native._java(), "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{native.kafka_jars()}/*", *arguments]


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def brokers(authority, tmp_path_factory):
    """Where it listens; it logs to a file, and ends with the tests."""
    try:
        native.require_java_and_maven()
    except StackFailure as lacking:
        pytest.skip(str(lacking))
    folder = tmp_path_factory.mktemp("secured")
    own = authority.certify(folder / "broker")
    (folder / "keystore.pem").write_text(own.both)
    (folder / "truststore.pem").write_bytes(authority.pem)
    ports = choose_ports(("port", "controller", "internal"))
    properties = folder / "server.properties"
    properties.write_text(PROPERTIES.format(folder=folder, password=PASSWORD, **ports))
    logins = [
        option
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256")
        for option in ("--add-scram", f"{mechanism}=[name=usher,password={PASSWORD}]")
    ]
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    format_ = java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties), *logins)
    subprocess.run(format_, check=True, capture_output=True, timeout=120)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(java("kafka.Kafka", str(properties)), stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + 120
        while not listens(ports["port"]):
            assert process.poll() is None, (folder / "log.txt").read_text()[-3000:]
            assert time.monotonic() < give_up, (folder / "log.txt").read_text()[-3000:]
            time.sleep(0.2)
        yield f"127.0.0.1:{ports['port']}"
    finally:
        process.kill()
        process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def settings_of(brokers, authority, tmp_path):
    """`settings_of(NAME=value)`: those of a client that may log in, changed."""
    trusted = authority.certify(tmp_path / "client", "usher").authority

    def of(**changes):
        given = {
            "BROKERS": brokers,
            "SECURITY": "SASL_SSL",
            "USER": "usher",
            "PASSWORD": PASSWORD,
            "CA_FILE": str(trusted),
        }
        return read(KafkaSettings, {f"USHER_KAFKA_{name}": value for name, value in (given | changes).items()})

    return of


@pytest.mark.native
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
async def test_domain_events_go_through_tls_and_a_login(
    settings_of, mechanism, store, listener, relay_of, consumer_of, running, eventually, caplog
):
    caplog.set_level(logging.DEBUG)
    broker = KafkaBroker.of(settings_of(MECHANISM=mechanism))
    subject = f"bookings/{mechanism.lower()}-{uuid.uuid4()}"
    async with running(relay_of(store, broker), consumer_of(listener, broker, name=f"search.{uuid.uuid4()}")):
        await store.commit(subject)
        await eventually(lambda: (subject, 1) in listener.applied, 60.0)
    assert PASSWORD not in caplog.text


@pytest.mark.native
@pytest.mark.timeout(300)
async def test_a_wrong_password_a_wrong_authority_and_no_tls_are_refused_and_nothing_secret_is_told(
    settings_of, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    other = Authority("Another CA").certify(tmp_path / "other").authority
    for settings in (
        settings_of(PASSWORD="battery-staple"),
        settings_of(USER="stranger"),
        settings_of(CA_FILE=str(other)),
        settings_of(CA_FILE=""),
        settings_of(SECURITY="SASL_PLAINTEXT", CA_FILE=""),
        settings_of(SECURITY="SSL", USER="", PASSWORD=""),
    ):
        with pytest.raises(BrokerUnavailable) as refused:
            await KafkaBroker(settings.kafka_brokers, timeout=3.0, security=security_of(settings)).ensure_topics({})
        assert "battery-staple" not in f"{refused.value}{refused.value.__cause__!r}"
    assert "battery-staple" not in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.native
@pytest.mark.timeout(300)
def test_the_job_makes_topics_over_tls_and_a_login(settings_of):
    settings = settings_of()
    environ = {
        **os.environ,
        **{
            f"USHER_KAFKA_{name.upper()}": getattr(settings, f"kafka_{name}")
            for name in ("brokers", "security", "user")
        },
        "USHER_KAFKA_PASSWORD": PASSWORD,
        "USHER_KAFKA_CA_FILE": settings.kafka_ca_file,
    }
    options = ("--partitions=2", "--copies=1", "--retention-hours=1")
    command = [sys.executable, "-m", "event_backbone.topics", "usher.secured.v1", *options]
    first, second = (
        subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False) for _ in range(2)
    )
    assert (first.returncode, first.stdout) == (0, "usher.secured.v1: made\n"), first.stderr
    assert second.stdout == "All topics are as they should be.\n"
    wrong = subprocess.run(
        command, env=environ | {"USHER_KAFKA_PASSWORD": "x"}, capture_output=True, text=True, timeout=100, check=False
    )
    assert wrong.returncode == 1
    why, what = wrong.stderr.strip().splitlines()
    assert "Authentication failed" in why
    assert what.startswith(f"{settings.kafka_brokers} cannot be used: ")
