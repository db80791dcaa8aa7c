"""Whatever engines were chosen, a test gets them in the same way and may end and wipe them."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from testkit import native
from testkit.choice import VARIABLE, chosen_engines
from testkit.engines import mongo_engine, mongo_process
from testkit.noida import free_port, kafka_elastic_engine
from testkit.on_demand import OnDemand


class Part:
    def __init__(self, address):
        self.address, self.calls = address, []

    def __getattr__(self, name):
        return lambda: self.calls.append(name)


def test_an_index_is_there_again_after_a_stop_and_gone_after_a_wipe():
    with kafka_elastic_engine() as engine, httpx.Client(base_url=engine.elasticsearch, timeout=30) as index:
        index.put("/probe", json={"settings": {"number_of_replicas": 0}}).raise_for_status()
        engine.stop()
        with pytest.raises(httpx.TransportError):
            index.get("/")
        engine.start()
        assert index.head("/probe").status_code == 200
        engine.kill()
        engine.wipe()
        engine.start()
        assert index.head("/probe").status_code == 404


def test_only_the_engine_that_is_asked_for_is_started():
    kafka, elasticsearch = Part("broker"), Part("index")
    engine = OnDemand(kafka, elasticsearch)
    assert (engine.elasticsearch, engine.elasticsearch) == ("index", "index")
    engine.kill()
    engine.start()
    assert elasticsearch.calls == ["start", "kill", "start"]
    assert kafka.calls == []


def test_an_engine_asked_for_while_all_are_ended_starts_with_the_others():
    kafka = Part("broker")
    engine = OnDemand(kafka, Part("index"))
    engine.kill()
    assert engine.brokers == "broker"
    assert kafka.calls == []
    engine.start()
    assert kafka.calls == ["start"]


def test_an_unknown_choice_is_an_error(monkeypatch):
    monkeypatch.setenv(VARIABLE, "imaginary")
    with pytest.raises(ValueError, match="embedded, native, containers"):
        chosen_engines()


def test_without_java_tests_on_native_engines_are_skipped_with_the_reason(monkeypatch):
    monkeypatch.setenv(VARIABLE, "native")
    monkeypatch.setenv("PATH", "")
    for open_engine in (kafka_elastic_engine(), native.native_engine()):
        with pytest.raises(pytest.skip.Exception, match="need a JDK 17 and Maven; not found: java"), open_engine:
            pass


def test_without_docker_tests_on_containers_are_skipped_with_the_reason(tmp_path):
    test = tmp_path / "test_probe.py"
    test.write_text(
        "from testkit.engines import mongo_engine\n"
        "from testkit.noida import kafka_elastic_engine\n"
        "def test_mongo():\n    with mongo_engine(): pass\n"
        "def test_kafka():\n    with kafka_elastic_engine(): pass\n"
    )
    environment = {**os.environ, VARIABLE: "containers", "DOCKER_HOST": "tcp://127.0.0.1:1"}
    environment.pop("USHER_TEST_MONGODB_URI", None)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-c", "/dev/null", "--rootdir", str(tmp_path), str(test)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=Path(tmp_path), check=False)
    assert "2 skipped" in done.stdout, done.stdout + done.stderr
    assert "no Docker engine answers" in done.stdout


@pytest.mark.containers
def test_a_replica_set_in_a_container_survives_being_killed(monkeypatch):
    monkeypatch.setenv(VARIABLE, "containers")
    with mongo_process() as engine:
        engine.kill()
        engine.start()
        assert engine.uri.startswith("mongodb://")


def test_a_database_that_was_named_is_used(monkeypatch):
    monkeypatch.setenv("USHER_TEST_MONGODB_URI", "mongodb://example")
    with mongo_engine() as uri:
        assert uri == "mongodb://example"


def test_no_two_engines_are_given_the_same_port():
    assert len({free_port() for _ in range(500)}) == 500
