"""Everybody who talks to Kafka does so as the values say: services, the job of the topics, and KEDA."""

import pytest
from helm_chart import own_values, render

from environment import KafkaSettings, read

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")
KAFKA = "USHER_KAFKA_"


def kafka_of(pod):
    """What the container is told about Kafka; a reference to a Secret stands for its text."""
    (container,) = pod["containers"]
    return {
        each["name"]: each["value"] if "value" in each else "{name}/{key}".format(**each["valueFrom"]["secretKeyRef"])
        for each in container["env"]
        if each["name"].startswith(KAFKA)
    }


def talkers(objects, pods):
    found = pods(objects)
    return {name: found[name] for name in ("Job usher-topics", *(f"Deployment usher-{name}" for name in SERVICES))}


@pytest.mark.parametrize(
    ("environment", "security"), [("dev", "PLAINTEXT"), ("staging", "SASL_SSL"), ("prod", "SASL_SSL")]
)
def test_outside_dev_kafka_is_spoken_to_over_tls_and_with_a_login(environment, security, rendered, pods):
    said = {tuple(kafka_of(pod).items()) for pod in talkers(rendered(environment), pods).values()}
    assert len(said) == 1, "the job of the topics is told what services are told"
    given = dict(said.pop())
    if environment == "dev":  # the Secret may be missing there, and is
        given = {name: text for name, text in given.items() if not text.startswith("usher-kafka/")}
    settings = read(KafkaSettings, given)
    assert settings.kafka_security == security
    assert settings.kafka_brokers.endswith(":9092" if security == "PLAINTEXT" else ":9093")


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_certificate_authority_is_where_the_settings_look(environment, rendered, pods):
    for name, pod in talkers(rendered(environment), pods).items():
        folder = kafka_of(pod)["USHER_KAFKA_CA_FILE"].rpartition("/")[0]
        (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == folder)
        (volume,) = (each["secret"] for each in pod["volumes"] if each["name"] == mount["name"])
        assert (volume["secretName"], volume["items"]) == ("usher-kafka", [{"key": "ca.crt", "path": "ca.crt"}]), name


def test_where_policies_let_kafka_be_reached_is_where_it_listens():
    for environment in ("", "dev"):
        values = own_values(environment)
        port = values["network"]["destinations"]["kafka"]["port"]
        assert values["defaults"]["settings"]["USHER_KAFKA_BROKERS"].endswith(f":{port}")
    assert own_values()["keda"]["brokers"] == own_values()["defaults"]["settings"]["USHER_KAFKA_BROKERS"]


@pytest.mark.parametrize(
    ("mechanism", "called"),
    [("SCRAM-SHA-512", "scram_sha512"), ("SCRAM-SHA-256", "scram_sha256"), ("PLAIN", "plaintext")],
)
def test_keda_logs_in_as_the_consumer_does(mechanism, called, find):
    objects = render("prod", {"defaults": {"settings": {"USHER_KAFKA_MECHANISM": mechanism}}})
    scaled = find(objects, "ScaledObject")
    assert len(scaled) >= 5
    for name, each in scaled.items():
        kafka = [trigger for trigger in each["spec"]["triggers"] if trigger["type"] == "kafka"]
        assert {(it["metadata"]["tls"], it["metadata"]["sasl"]) for it in kafka} == {("enable", called)}
        assert {it["authenticationRef"]["name"] for it in kafka} == {name}
        login = find(objects, "TriggerAuthentication", name)["spec"]
        assert {(it["parameter"], it["name"]) for it in login["env"]} == {
            ("username", "USHER_KAFKA_USER"), ("password", "USHER_KAFKA_PASSWORD"),
        }  # fmt: skip
        assert login["secretTargetRef"] == [{"parameter": "ca", "name": "usher-kafka", "key": "ca.crt"}]


def test_keda_needs_no_login_where_there_is_none(find):
    objects = render("dev", {"keda": {"enabled": True}, "defaults": {"scaling": {"max": 2}}})
    assert find(objects, "TriggerAuthentication") == {}
    for each in find(objects, "ScaledObject").values():
        assert not any("authenticationRef" in it or "sasl" in it["metadata"] for it in each["spec"]["triggers"])


def test_encrypted_without_a_login_keda_trusts_the_same_authority(find):
    change = {"defaults": {"settings": {"USHER_KAFKA_SECURITY": "SSL"}}}
    login = find(render("prod", change), "TriggerAuthentication", "usher-booking")["spec"]
    assert login == {"secretTargetRef": [{"parameter": "ca", "name": "usher-kafka", "key": "ca.crt"}]}
